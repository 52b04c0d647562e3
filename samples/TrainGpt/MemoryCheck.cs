namespace TrainGpt;

/// <summary>Refuses a run that needs more memory than there is, by the plan of its step, before its model is made.</summary>
internal static class MemoryCheck
{
    /// <summary>What a run takes, in one line; its device learns from the plan.</summary>
    /// <param name="options">The settings, as used.</param>
    /// <param name="shape">The model's.</param>
    /// <param name="device">Where it is to live.</param>
    /// <exception cref="InputException">There is less; the message says what would do.</exception>
    public static string Run(TrainOptions options, ModelConfig shape, Device device)
    {
        var search = new PlanSearch(options, shape);
        var plan = search.Asked.Plan;
        device.Arena.LearnPhases(plan.Arena);
        if (options.ResidentBytes is { } most && plan.Resident > most)
            throw new InputException($"--resident {options.Resident}: a step takes {ByteSize.Text(plan.Resident)} at least, "
                + $"{Parts(plan)}. Give more, or take fewer tokens at once, --mode eager or --checkpoint-blocks.");
        if (plan.IsStreamed) WorkingFile.CheckRoom(options, plan.Streamed.Bytes);
        if (!IsHost(options.Device)) return $"Memory: {Parts(plan)}.";
        long has = GC.GetGCMemoryInfo().HighMemoryLoadThresholdBytes, data = GC.GetTotalMemory(false);
        if (plan.Resident + data <= has) return $"Memory: {Parts(plan)}; there are {ByteSize.Text(has)}.";
        string less = plan.Report.Peak(Use.Weight) > has ? "Its weights alone do not fit; take a smaller model." : Less(search, has - data);
        throw new InputException($"Training takes {Parts(plan)}; with its data and the runtime {ByteSize.Text(plan.Resident + data)}, of "
            + $"which there are {ByteSize.Text(has)}. {less}");
    }

    /// <summary>The peak and its parts; the parts have their peaks at different times.</summary>
    public static string Parts(StepPlan plan)
    {
        string Of(Use use) => ByteSize.Text(plan.Report.Peak(use));
        return $"{ByteSize.Text(plan.Peak.Bytes)} at the peak of a step: weights {Of(Use.Weight)}, gradients {Of(Use.Gradient)}, "
            + $"state {Of(Use.State)}, activations {Of(Use.Activation)}"
            + (plan.IsStreamed ? $", buffers of the {ByteSize.Text(plan.Streamed.Bytes)} in the working file {Of(Use.Stream)}" : "");
    }

    private static string Less(PlanSearch search, long bytes)
    {
        try
        {
            var found = search.Within(bytes);
            return $"It fits with {found.Words} ({ByteSize.Text(found.Plan.Resident)}); plan shows more.";
        }
        catch (InputException e)
        {
            return e.Message;
        }
    }

    /// <summary>True where the memory is the host's, of which this process knows how much there is.</summary>
    private static bool IsHost(string device) => device is CommandOptions.Cpu or "ilgpu-cpu";
}
