using System.Text;

namespace Mayfly.Tests;

/// <summary>The working file: what it may be, what becomes of it, and what is said when it fails.</summary>
public sealed class ResidencyTests : IDisposable
{
    private static readonly LlamaConfig Shape = new()
    {
        VocabularySize = 19, Context = 8, Layers = 2, Heads = 2, Width = 32, CheckpointBlocks = true,
    };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string Path => folder.File("weights.stream");

    /// <summary>Every request of a training fails once in each way: one clear error, or the same weights; and nothing is left.</summary>
    [Theory]
    [InlineData(StreamFault.Refused)]
    [InlineData(StreamFault.Full)]
    [InlineData(StreamFault.Cut)]
    [InlineData(StreamFault.Unlinked)]
    public void Faults_at_every_request_end_in_one_error_or_in_nothing(StreamFault fault)
    {
        var whole = new FaultyStreamDisk(StreamFault.None, -1);
        float[] expected = Train(whole)!;
        Assert.InRange(whole.Requests, 100, 5000);
        int failed = 0;
        long between = fault == StreamFault.Unlinked ? 37 : 11;
        for (long request = 0; request < whole.Requests; request += request < 20 ? 1 : between)
            if (Train(new FaultyStreamDisk(fault, request)) is { } weights) Assert.Equal(expected, weights);
            else failed++;
        if (fault == StreamFault.Unlinked) Assert.Equal(0, failed);
        else Assert.InRange(failed, 20, int.MaxValue);
    }

    [Fact]
    public void What_a_dead_run_left_is_taken_over_and_goes_with_the_run()
    {
        byte[] left;
        using (var device = Device.CreateCpu(1))
        {
            device.Stream(Path, 1 << 20);
            left = Files.ReadBytes(Path);
            Assert.StartsWith("Mayfly working file", Encoding.ASCII.GetString(left));
        }

        Assert.False(File.Exists(Path));
        File.WriteAllBytes(Path, [.. left, .. new byte[100_000]]);
        using (var device = Device.CreateCpu(1))
        {
            device.Stream(Path, 1 << 20);
            Assert.Equal(left, Files.ReadBytes(Path));
            Residency.ClearLeft(Path);
            Assert.True(File.Exists(Path)); // it is in use
        }

        Assert.False(File.Exists(Path));
        File.WriteAllBytes(Path, left);
        Residency.ClearLeft(Path);
        Assert.False(File.Exists(Path));
    }

    [Fact]
    public void Another_file_stays_as_it_is()
    {
        byte[] other = Encoding.UTF8.GetBytes("precious");
        File.WriteAllBytes(Path, other);
        using var device = Device.CreateCpu(1);
        var e = Assert.Throws<StreamException>(() => device.Stream(Path, 1 << 20));
        Assert.Equal($"The working file '{Path}' cannot be written: it is another file already; move it, or name another folder.",
            e.Message);
        Residency.ClearLeft(Path);
        Assert.Equal(other, File.ReadAllBytes(Path));
        Assert.Null(device.Residency);
    }

    [Fact]
    public void A_file_in_use_is_refused()
    {
        using var one = Device.CreateCpu(1);
        using var two = Device.CreateCpu(1);
        one.Stream(Path, 1 << 20);
        Assert.Contains(Path, Assert.Throws<StreamException>(() => two.Stream(Path, 1 << 20)).Message);
        Assert.Throws<InvalidOperationException>(() => one.Stream(folder.File("other"), 1 << 20));
    }

    [Fact]
    public void A_working_file_is_no_snapshot()
    {
        using var device = Device.CreateCpu(1);
        device.Stream(folder.File(Snapshot.FileName), 1 << 20);
        Assert.Throws<BadFileException>(() => Snapshot.Open(folder.Path));
    }

    [Fact]
    public void A_bound_without_room_says_what_is_in_use()
    {
        using var device = Device.CreateCpu(1);
        device.Stream(Path, new StreamOptions { ResidentBytes = 10_000, LeastBytes = 1 });
        var e = Assert.Throws<OutOfMemoryException>(() => Shape.Create(device));
        Assert.StartsWith("The bound of 10,000 bytes of memory has no room for ", e.Message);
        Assert.Equal((0, 0), (device.Residency!.StreamedBytes, device.Arena.Report.LiveBytes)); // nothing of a model that was not finished
    }

    [Fact]
    public void Only_large_weights_and_states_live_in_the_file()
    {
        using var device = Device.CreateCpu(1);
        var residency = device.Stream(Path, 1 << 20);
        using var small = new Parameter("gain", 100, Role.Gain, device);
        using var large = new Parameter("weight", (128, 128), Role.Hidden, device);
        using var result = Tensor.Ones((256, 256), device).Keep();
        Assert.Equal((400, 65_536), (device.Arena.Report.Live(Use.Weight), residency.StreamedBytes));
        Assert.Equal(0, device.Arena.Report.Live(Use.Stream));
        large.Value.Fill(2);
        Assert.Equal(65_536, device.Arena.Report.Live(Use.Stream));
        Assert.Equal(2, large.Value.ToArray()[^1]);
    }

    [Fact]
    public void What_was_in_a_closed_file_cannot_be_used()
    {
        var device = Device.CreateCpu(1);
        device.Stream(Path, 1 << 20);
        using var weight = new Parameter("weight", (128, 128), Role.Hidden, device);
        weight.Value.Fill(1);
        device.Dispose();
        Assert.Contains("weight", Assert.Throws<ObjectDisposedException>(() => weight.Value.ToArray()).Message);
    }

    [Fact]
    public void A_device_with_memory_of_its_own_does_not_stream()
    {
        using var device = Device.CreateDry(isAsynchronous: true);
        Assert.Throws<NotSupportedException>(() => device.Stream(Path, 1 << 20));
    }

    /// <summary>Snapshots of what is streamed have the same bytes, and go back to memory and to files.</summary>
    [Fact]
    public void Snapshots_are_those_of_memory()
    {
        byte[] Saved(bool streams, string? from)
        {
            using var device = Device.CreateCpu(1);
            if (streams) device.Stream(Path, new StreamOptions { ResidentBytes = 120_000, LeastBytes = 1 });
            using var model = Shape.Create(device);
            using var updater = new Updater(model.Parameters(), Route.Default(new AdamW(), UpdateMode.Eager));
            if (from is not null)
                using (var snapshot = Snapshot.Open(folder.File(from))) snapshot.Restore(model.Parameters(), updater);
            updater.Step(() => Loss(model));
            string name = $"{from}{streams}";
            Snapshot.Save(folder.File(name), model.Parameters(), updater, updater.GlobalStep, "");
            return File.ReadAllBytes(System.IO.Path.Combine(folder.File(name), Snapshot.FileName));
        }

        Assert.Equal(Saved(false, null), Saved(true, null));
        Assert.Equal(Saved(false, "True"), Saved(true, "False"));
    }

    /// <summary>Some steps; null where they ended in an error of the file.</summary>
    private float[]? Train(FaultyStreamDisk disk)
    {
        var device = Device.CreateCpu(1);
        try
        {
            return Train(device, disk);
        }
        catch (StreamException e)
        {
            Assert.StartsWith($"The working file '{Path}' ", e.Message);
            return null;
        }
        finally
        {
            Assert.Equal(0, device.Arena.Report.LiveBytes);
            device.Dispose();
            File.Delete(Path); // where deleting it was what failed
        }
    }

    private float[] Train(Device device, FaultyStreamDisk disk)
    {
        device.Stream(Path, new StreamOptions { ResidentBytes = 120_000, LeastBytes = 1, Disk = disk });
        using var model = Shape.Create(device);
        using var updater = new Updater(model.Parameters(), Route.Default(new AdamW(), UpdateMode.Eager));
        for (int step = 0; step < 2; step++) updater.Step(() => Loss(model));
        return [.. model.Parameters().SelectMany(p => p.Value.ToArray())];
    }

    private static Tensor Loss(LanguageModel model)
    {
        int[] ids = [.. Enumerable.Range(0, model.Context).Select(i => i * i % model.VocabularySize)];
        return model.Loss(Tensor.From<int>(ids, (1, model.Context), model.Device), Tensor.From<int>(ids, (1, model.Context), model.Device));
    }
}
