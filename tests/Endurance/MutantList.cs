namespace Mayfly.Tests;

/// <summary>A deliberate fault: a piece of code, what it becomes where the fault is on, and the tests that must notice.</summary>
/// <param name="Name">What is wrong then.</param>
/// <param name="Path">The file, from the repository's root.</param>
/// <param name="From">The code, which stands in the file once.</param>
/// <param name="To">What replaces it; {on} is true while the fault is on.</param>
/// <param name="Tests">Patterns of the tests' full names.</param>
internal sealed record Mutant(string Name, string Path, string From, string To, params string[] Tests)
{
    /// <summary>An expression that has another value while the fault is on.</summary>
    public static Mutant Of(string name, string path, string from, string faulty, params string[] tests) =>
        new(name, path, from, $"({{on}} ? {faulty} : {from})", tests);
}

/// <summary>The faults that the tests are tried with.</summary>
internal static class MutantList
{
    private const string CrossEntropy = "src/Kernels/CrossEntropy/", Attention = "src/Kernels/Attention/", Rules = "src/Optim/Rules/";

    public static Mutant[] All { get; } = [.. Kernels(), .. Tapes(), .. Steps(), .. TheRules()];

    private static Mutant[] Kernels() =>
    [
        Mutant.Of("the loss is taken from a rounded log-sum-exp", CrossEntropy + "CrossEntropy.Cpu.cs",
            "(float)(largest - x[target] + logSum)", "(float)(largest + logSum) - x[target]",
            "*CrossEntropy_does_not_depend*"),
        new("the sum of exponentials loses its rounding errors", CrossEntropy + "CrossEntropy.Cpu.cs",
            "rest += (sum - (next - taken)) + (term - taken);", "if (!{on}) rest += (sum - (next - taken)) + (term - taken);",
            "*CrossEntropy_of_a_sure_row*"),
        Mutant.Of("the target's own gradient lacks its -1", CrossEntropy + "CrossEntropyBack.Cpu.cs",
            "(Math.Exp(logProbability) - 1)", "Math.Exp(logProbability)", "*CrossEntropy_agrees*"),
        Mutant.Of("ignored rows count", CrossEntropy + "LogitRows.cs",
            "targets[row] == ignored ? -1 : targets[row]", "Math.Max(0, targets[row])", "*CrossEntropyBack_clears*"),
        Mutant.Of("a query sees the key after its own", Attention + "Cpu/AttentionShape.cs",
            "Math.Clamp(t + Keys - Queries + after, 1, Limit)", "Math.Clamp(t + Keys - Queries + after + 1, 1, Limit)",
            "Mayfly.Tests.Cpu256Tests.Attention_is_the_reference*"),
        Mutant.Of("attention's gradient is not centred", Attention + "AttendBack.Cpu.cs",
            "probability * (L.Load(ds + i) - center)", "probability * L.Load(ds + i)",
            "Mayfly.Tests.Cpu256Tests.Attention_is_the_reference*"),
        Mutant.Of("rows of an id are stored, not added", "src/Kernels/ScatterAdd/ScatterAdd.Cpu.cs",
            "L.Load(y + j) + L.Load(x + j)", "L.Load(x + j)", "Mayfly.Tests.Cpu256Tests.ScatterAdd*"),
        Mutant.Of("dropout does not scale what it keeps", "src/Kernels/Dropout/Dropout.Cpu.cs",
            "1f / (1f - rate)", "1f", "Mayfly.Tests.Cpu256Tests.Dropout*"),
        Mutant.Of("a sum of squares lacks its rest", "src/Kernels/Cpu/SumSquaresJob.cs",
            "Sparse(w + quarter, 1, n - 4 * quarter)", "0.0", "Mayfly.Tests.Cpu256Tests.SumSquares*"),
        Mutant.Of("the workers skip the last chunk", "src/Kernels/Cpu/Workers.cs",
            "(chunk = Interlocked.Increment(ref next) - 1) < chunks", "(chunk = Interlocked.Increment(ref next) - 1) < chunks - 1",
            "*WorkersTests*"),
        Mutant.Of("layer norm's gradient lacks its second mean", "src/Autodiff/Ops/LayerNorm.cs",
            "s.Scale * (e.Dy * e.Gain - s.A - normal * s.B)", "s.Scale * (e.Dy * e.Gain - s.A)", "*OpTests*"),
        Mutant.Of("RMS norm forgets epsilon", "src/Autodiff/Ops/RmsNorm.cs", "V.Sqrt(a / n + V.Of(epsilon))", "V.Sqrt(a / n)",
            "*An_epsilon_is_a_double*"),
        Mutant.Of("a fraction of a negative number is that of its size", "src/Kernels/Power.cs",
            "V.WhereEqual(x, V.Of(float.NegativeInfinity), size, V.Of(float.NaN) * x)", "size", "Mayfly.Tests.Cpu256Tests.A_power_has*"),
    ];

    private static Mutant[] Tapes() =>
    [
        Mutant.Of("all micro-batches drop the same elements", "src/Autodiff/RandomState.cs",
            "((ulong)MicroBatch & 0xFFF) << 20", "0UL", "*drops_elements_of_its_own*"),
        new("a checkpoint draws new random numbers", "src/Autodiff/Checkpoint.cs",
            "run.Ordinal = ordinal;", "if (!{on}) run.Ordinal = ordinal;", "*CheckpointTests*"),
        Mutant.Of("an inner sweep fires parameters of the outside", "src/Autodiff/Sweep.cs",
            "owned is null || owned.Contains(parameter)", "true", "*FiringRuleTests*"),
        new("a gradient that others share is overwritten", "src/Autodiff/Sweep.cs",
            "if (Dy.Storage.IsShared || Dy.Shape", "if (!{on} && Dy.Storage.IsShared || Dy.Shape", "*FiringRuleTests*", "*OpTests*"),
        new("a gradient that others share is added to", "src/Autodiff/Sweep.cs",
            "there is not null && !there.Storage.IsShared", "there is not null && ({on} || !there.Storage.IsShared)",
            "*FiringRuleTests*", "*OpTests*"),
        new("a fault in the sweep's first kernel leaks", "src/Autodiff/Tape.cs",
            "var seed = books.Gradients[loss.Slot] = Tensor.Unowned(Device, loss.Shape, loss.Type, Use.Activation, \"Backward\");\n"
            + "        Device.Backend.Fill(seed.Write(\"Backward\"), 1);",
            "var seed = Tensor.Unowned(Device, loss.Shape, loss.Type, Use.Activation, \"Backward\");\n"
            + "        if (!{on}) books.Gradients[loss.Slot] = seed;\n        Device.Backend.Fill(seed.Write(\"Backward\"), 1);\n"
            + "        books.Gradients[loss.Slot] = seed;",
            "*A_fault_at_any_place*"),
    ];

    private static Mutant[] Steps() =>
    [
        Mutant.Of("the global norm is measured twice too large", "src/Optim/NumberFormulas.cs",
            "ClipNorm.Factor(limit, Numbers.Root(a))", "ClipNorm.Factor(limit, 2 * Numbers.Root(a))", "*The_global_norm_is_clipped*"),
        new("the norm of the step before is not kept", "src/Optim/NumberFormulas.cs",
            "kept = Numbers.Root(a)", "kept = {on} ? 1 : Numbers.Root(a)", "*ClipTests*"),
        Mutant.Of("a rule fires at the first micro-batch", "src/Optim/Updater.Slot.cs",
            "isLast && Gradient is not null", "Gradient is not null", "*Micro_batches_add_up*"),
        new("a step that moved weights is not torn", "src/Optim/Progress.cs",
            "public void Move() => phase = Phase.Moved;", "public void Move() => phase = {on} ? Phase.Open : Phase.Moved;",
            "*UpdaterFailureTests*"),
        new("a failed step counts", "src/Optim/Progress.cs",
            "if (phase is Phase.Measuring or Phase.Open) Step--;", "if (!{on} && phase is Phase.Measuring or Phase.Open) Step--;",
            "*UpdaterFailureTests*"),
        Mutant.Of("means of micro-batches add up", "src/Optim/Updater.Step.cs",
            "share / (microBatches * Ranks)", "share", "*A_step_of_means*"),
        Mutant.Of("each row of a batch is the same window", "src/Io/Batches.cs",
            "unchecked((ulong)index * (ulong)whole + (ulong)(first + row))", "unchecked((ulong)index * (ulong)whole)", "*BatchesTests*"),
        Mutant.Of("a decay longer than the rest falls at once", "src/Optim/Schedule.cs",
            "Math.Max(WarmUp, Total - Decay)", "(Total - Decay)", "*ScheduleTests*"),
    ];

    private static Mutant[] TheRules() =>
    [
        Mutant.Of("AdamW's second moment is corrected for a step too many", Rules + "Adam.cs",
            "(1 - Math.Pow(Beta2, t))", "(1 - Math.Pow(Beta2, t + 1))", "*.GoldenTests*"),
        Mutant.Of("AdamW forgets the decay", Rules + "Adam.cs",
            "V.Fma(-V.Of(decay), p, p) - V.Of(stepSize) * s0 / root", "p - V.Of(stepSize) * s0 / root", "*.GoldenTests*"),
        Mutant.Of("SGD forgets dampening", Rules + "Sgd.cs",
            "V.Fma(V.Of(momentum), s0, V.Of(share) * d)", "V.Fma(V.Of(momentum), s0, d)", "*Sgd_takes_the_share*"),
        Mutant.Of("Muon's momentum does not look ahead", Rules + "Muon.cs",
            "nesterov ? share : 0", "0", "*Muon*"),
        new("Newton and Schulz's first product is not scaled", "src/Optim/NewtonSchulz.cs",
            "Polynomial(x, square, polynomial, factor * factor,", "Polynomial(x, square, polynomial, {on} ? 1 : factor * factor,",
            "*NewtonSchulz*"),
        Mutant.Of("Apollo's alpha does not make up for the rank", Rules + "ApolloMatrix.cs",
            "Math.Sqrt((double)Inner / Rank)", "1.0", "*Apollo*"),
        Mutant.Of("Apollo's norm of a huge projection overflows", Rules + "ApolloFormulas.cs",
            "V.Where(V.Of(Large), a, V.Of(ToSmall), V.Of(1f))", "V.Of(1f)", "*Huge_gradients*"),
        Mutant.Of("GaLore forgets its scale", Rules + "GaLore.cs", "rate * Scale * kept", "rate * kept", "*GaLoreTests*"),
        new("GaLore's basis keeps vectors of no length", "src/Optim/Orthonormal.cs",
            "if (left < Independent) return false;", "if (!{on} && left < Independent) return false;", "*Rows_that_are_not_independent*"),
        Mutant.Of("the factored moment adds squares, not their mean", Rules + "SecondMoment.cs",
            "new Blend(Keep, share / rows)", "new Blend(Keep, share)", "*Factored*"),
        new("the growth limit remembers the norm before it", Rules + "NormGrowthLimit.cs",
            "last = norm * factor", "last = {on} ? norm : norm * factor", "*Apollo*", "*ClipTests*"),
    ];
}
