namespace Mayfly;

/// <summary>
/// Keeps attention logits from growing without bound, as Muon lets them (MuonClip: Kimi Team, "Kimi K2", 2025). After a step, for each key
/// head whose largest logit S in that step's forward passes was above the threshold, over its query heads:
/// <code>
/// g = threshold / S        its queries' weights *= g^alpha        its keys' weights *= g^(1 - alpha)
/// </code>
/// so that the same batch would meet the threshold exactly, had the step changed nothing else. Biases are scaled like weights; values,
/// momenta and second moments are left alone. Nothing is remembered from one step to the next.
/// <code>
/// using var clip = new QkClip(Attention.Watch(model));
/// updater.Step(() => model.Loss(ids, targets));
/// clip.Apply(updater);
/// </code>
/// </summary>
/// <param name="heads">The heads to clip.</param>
/// <exception cref="ArgumentException">Weights of a head are frozen, so that what is trained beside them would not be scaled.</exception>
public sealed class QkClip(IReadOnlyList<HeadLogits> heads) : IDisposable
{
    private readonly IReadOnlyList<HeadLogits> heads = heads.SelectMany(of => of.Queries.Concat(of.Keys))
        .FirstOrDefault(rows => !rows.Parameter.Trainable).Parameter is { } frozen
        ? throw new ArgumentException($"QkClip: {frozen} is frozen; it clips weights that are trained.")
        : heads;

    /// <summary>The largest logit that is let be, above 0.</summary>
    public double Threshold { get; init => field = Checked(nameof(Threshold), value, value > 0 && double.IsFinite(value)); } = 100;

    /// <summary>The queries' share of the scaling, from 0 to 1.</summary>
    public double Alpha { get; init => field = Checked(nameof(Alpha), value, value is >= 0 and <= 1); } = 0.5;

    /// <summary>The largest logit of any head that the last <see cref="Apply(Updater)"/> found; NaN before it.</summary>
    public double Largest { get; private set; } = double.NaN;

    /// <summary>Scales the weights of heads whose logits were too large since the last call.</summary>
    /// <param name="updater">What steps them; with several ranks all call it, and the largest logit over all counts.</param>
    /// <returns>How many key heads were scaled.</returns>
    /// <exception cref="NonFiniteException">A logit is infinite or not a number.</exception>
    public int Apply(Updater updater)
    {
        Largest = double.NegativeInfinity;
        return heads.Sum(of => Apply(updater, of));
    }

    /// <summary>Forgets the logits of a step that failed.</summary>
    public void Forget()
    {
        foreach (var of in heads) of.Forget();
    }

    /// <summary>Frees what the heads noted.</summary>
    public void Dispose()
    {
        foreach (var of in heads) of.Dispose();
    }

    private int Apply(Updater updater, HeadLogits of)
    {
        double[] logits = of.Take();
        updater.Largest(logits);
        int shared = of.Heads / of.KvHeads, scaled = 0;
        double[] ofQueries = new double[of.Heads], ofKeys = new double[of.KvHeads];
        for (int group = 0; group < of.KvHeads; group++)
        {
            double most = Most(logits.AsSpan(group * shared, shared), of);
            double factor = most > Threshold ? Threshold / most : 1; // a head of negative logits would have a negative factor
            ofQueries.AsSpan(group * shared, shared).Fill(Math.Pow(factor, Alpha));
            ofKeys[group] = Math.Pow(factor, 1 - Alpha);
            if (factor < 1) scaled++;
        }

        if (scaled == 0) return 0;
        foreach (var (parameter, first) in of.Queries) Scale(updater, parameter, first, of.HeadSize, ofQueries);
        foreach (var (parameter, first) in of.Keys) Scale(updater, parameter, first, of.HeadSize, ofKeys);
        return scaled;
    }

    private double Most(ReadOnlySpan<double> logits, HeadLogits of)
    {
        double most = double.NegativeInfinity;
        foreach (double logit in logits) most = Math.Max(most, logit);
        if (!double.IsFinite(most))
            throw new NonFiniteException($"QkClip: the largest logit of {of.Queries[0].Parameter} is {most}; load a snapshot.");
        Largest = Math.Max(Largest, most);
        return most;
    }

    /// <summary>Multiplies the rows of each head by its factor.</summary>
    private static void Scale(Updater updater, Parameter parameter, long first, int rowsOfHead, double[] factors)
    {
        var rows = new double[parameter.Shape[0]];
        Array.Fill(rows, 1);
        for (int i = 0; i < factors.Length * rowsOfHead; i++) rows[first + i] = factors[i / rowsOfHead];
        updater.Change(parameter, weight =>
        {
            using var scope = weight.Device.Scope(nameof(QkClip));
            var ofRows = Tensor.From<double>(rows, parameter.Shape.Rank == 1 ? rows.Length : (rows.Length, 1), weight.Device);
            var all = Tensor.Empty(weight.Device, weight.Shape, weight.Device.Float, Use.Scratch, nameof(QkClip));
            weight.Device.Backend.Copy(ofRows.Read(nameof(QkClip)).To(weight.Shape), all.Write(nameof(QkClip)));
            weight.Step(new TimesGradient(), all);
        });
    }

    private static double Checked(string name, double value, bool fits) => fits
        ? value
        : throw new ArgumentOutOfRangeException(name, $"QkClip: {name} is {value}; a threshold is above 0, alpha lies from 0 to 1.");
}

/// <summary>p g.</summary>
public readonly struct TimesGradient : IUpdate<TimesGradient>
{
    /// <inheritdoc/>
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V> => p *= g;
}
