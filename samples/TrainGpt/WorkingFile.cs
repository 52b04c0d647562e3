namespace TrainGpt;

/// <summary>The file in which <c>--resident</c> lets weights and optimizer state live.</summary>
internal static class WorkingFile
{
    /// <summary>Its name, which no snapshot has.</summary>
    public const string Name = "weights.stream";

    /// <summary>Lets a device stream, where the options ask for it; the file goes with the device.</summary>
    /// <exception cref="InputException">There is no room for it, or it cannot be made.</exception>
    public static void Open(TrainOptions options, RunFolder folder, Device device)
    {
        if (options.ResidentBytes is not { } most) return;
        string path = Path.Combine(options.StreamFolder ?? folder.Path, Name);
        Files.CheckReplaceable(path);
        try
        {
            device.Stream(path, most - StepPlan.RuntimeBytes);
        }
        catch (StreamException e)
        {
            throw new InputException(e.Message, e);
        }
    }

    /// <summary>Refuses a run whose file the disk has no room for.</summary>
    /// <param name="options">The run's.</param>
    /// <param name="bytes">Those that will live in the file.</param>
    /// <exception cref="InputException">It has not.</exception>
    public static void CheckRoom(TrainOptions options, long bytes)
    {
        string folder = Path.GetFullPath(options.StreamFolder ?? options.Out);
        while (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is { } parent) folder = parent;
        long has = new DriveInfo(folder).AvailableFreeSpace;
        if (bytes > has) throw new InputException($"Weights and state of {ByteSize.Text(bytes)} are to live in '{folder}', where the disk "
            + $"has {ByteSize.Text(has)} left; make room, or name another disk by --stream-folder.");
    }
}
