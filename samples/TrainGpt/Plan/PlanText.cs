using System.Globalization;

namespace TrainGpt;

/// <summary>What <c>plan</c> prints.</summary>
internal static class PlanText
{
    private static readonly (Use Use, string Name)[] Uses =
    [
        (Use.Weight, "weights"), (Use.Gradient, "gradients"), (Use.State, "state"), (Use.Activation, "activations"),
        (Use.Scratch, "workspace"), (Use.Stream, "stream buffers"),
    ];

    /// <summary>The run and its step.</summary>
    public static void Write(TextWriter output, TrainOptions options, ModelConfig shape, StepPlan plan)
    {
        WriteRun(output, options, shape, plan);
        output.WriteLine();
        Table(output, ["use", "bytes at the peak", "", "most bytes", ""], Rows(plan));
        output.WriteLine();
        Table(output, ["role", "rule", "weights", "state", ""], plan.State.Select(Row));
        output.WriteLine();
        if (plan.Peak.At is { } at)
            output.WriteLine($"The peak comes at the {at.Moment}, with {ByteSize.Text(at.Bytes)} of {Name(at.Use)} for {at.Maker}.");
        output.WriteLine($"Before activations: {ByteSize.Text(plan.BeforeActivations)} of weights, state and gradients.");
        if (plan.IsStreamed)
            output.WriteLine($"The working file: {ByteSize.Text(plan.Streamed.Bytes)} of weights and state; a step reads "
                + $"{ByteSize.Text(plan.Streamed.Read)} of it and writes {ByteSize.Text(plan.Streamed.Written)}.");
        if (options.Ranks > 1)
            output.WriteLine($"Ranks: {options.Ranks}; of rank {options.OwnRank}, which needs most: a step sends about "
                + $"{ByteSize.Text(plan.Wire.Gradients)} of gradients"
                + (options.Shard ? $" and sends or receives {ByteSize.Text(plan.Wire.Weights)} of weights." : "."));
        if (plan.Changes > 0) output.WriteLine(Meetings(options, plan));
        output.WriteLine($"Resident memory: about {ByteSize.Text(plan.Resident)}, "
            + $"of which {ByteSize.Text(StepPlan.RuntimeBytes)} is the runtime's.");
    }

    /// <summary>What workers exchange, beside what ranks that sum every gradient would.</summary>
    private static string Meetings(TrainOptions options, StepPlan plan)
    {
        int workers = Math.Max(2, options.Workers), every = options.Used().SyncEvery!.Value;
        double summed = 16.0 * plan.Weights * (workers - 1) / workers * every, met = (double)plan.Changes * workers;
        return Invariant($"Workers: {workers}; each writes {ByteSize.Text(plan.Changes)} every {every} steps and reads as much of each ")
            + Invariant($"other one, 1/{summed / met:F0} of what {workers} ranks send and receive that sum every gradient.");
    }

    /// <summary>What other settings would take.</summary>
    public static void WriteAlternatives(TextWriter output, PlanSearch search)
    {
        output.WriteLine();
        Table(output, ["with", "peak", "state", "resident", "arithmetic"],
            search.Alternatives().Prepend(search.Asked).Select(run => Row(run, search.Asked.Plan.Flops)));
    }

    private static void WriteRun(TextWriter output, TrainOptions options, ModelConfig shape, StepPlan plan)
    {
        string preset = options.Preset is { } name ? $" ({name})" : "";
        output.WriteLine(Invariant($"Model: {options.Model}, layers {shape.Layers}, width {shape.Width}, ")
            + Invariant($"vocabulary {shape.VocabularySize:N0}; {plan.Weights:N0} weights in {SettingText.Write(options.Dtype)}."));
        output.WriteLine($"Step: {options.Optimizer}{preset}, {SettingText.Write(options.Mode)}, "
            + Invariant($"batch {options.Batch} x {shape.Context} tokens, accumulate {options.Accumulate}, ")
            + $"checkpoint-blocks {options.CheckpointBlocks}.");
    }

    private static string[] Row(PlannedRun run, double flops) =>
    [
        run.Words, ByteSize.Text(run.Plan.Peak.Bytes), ByteSize.Text(run.Plan.Report.Peak(Use.State)), ByteSize.Text(run.Plan.Resident),
        Invariant($"{run.Plan.Flops / flops:F2}x"),
    ];

    private static string[] Row(StateLine line) =>
    [
        line.Role.ToString().ToLowerInvariant(), line.Rule, ByteSize.Exactly(line.Weights), ByteSize.Exactly(line.Bytes),
        ByteSize.Text(line.Bytes),
    ];

    private static IEnumerable<string[]> Rows(StepPlan plan)
    {
        foreach (var (use, name) in Uses)
            if (use != Use.Stream || plan.IsStreamed) yield return Row(name, plan.Peak.Of(use), plan.Report.Peak(use));
        yield return Row("together", plan.Peak.Bytes, plan.Report.PeakBytes);
    }

    private static string[] Row(string name, long atPeak, long most) =>
        [name, ByteSize.Exactly(atPeak), ByteSize.Text(atPeak), ByteSize.Exactly(most), ByteSize.Text(most)];

    private static string Name(Use use) => Uses.First(known => known.Use == use).Name;

    /// <summary>Columns as wide as their longest cell, words to the left and numbers to the right.</summary>
    private static void Table(TextWriter output, string[] head, IEnumerable<string[]> body)
    {
        string[][] rows = [head, .. body];
        int[] widths = [.. head.Select((_, column) => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
            output.WriteLine(string.Join("  ", row.Select((cell, column) =>
                IsNumber(rows[1][column]) ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]))).TrimEnd());
    }

    private static bool IsNumber(string cell) => cell.Length > 0 && char.IsAsciiDigit(cell[0]);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
