using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>Along which side of a matrix <see cref="NorMuon"/> keeps its second moment.</summary>
public enum NorMuonAxis
{
    /// <summary>One number for each row: each neuron's output.</summary>
    Rows,

    /// <summary>One number for each row, or for each column of a matrix that is wider than tall.</summary>
    LongSide,
}

/// <summary>
/// Muon whose rows move alike: the orthogonalised momentum's rows are divided by the root of a running mean of their squares, and the whole
/// is brought back to its norm (Li et al., "NorMuon: making Muon more efficient and scalable", 2025). |O| is the Frobenius norm:
/// <code>
/// O = NewtonSchulz(u)                                u as in <see cref="Muon"/>
/// v[i] = beta2 v[i] + (1 - beta2) mean over j of O[i, j]^2
/// N[i, j] = O[i, j] / (sqrt(v[i]) + epsilon)
/// p = p - learningRate weightDecay p
/// p = p - learningRate scale N |O| / |N|
/// </code>
/// The rescaling cancels any factor of v, so v is not corrected for its start: the first step normalises each row. Blocks, scale and
/// fallback as in <see cref="Muon"/>. State: b, of the parameter's shape, and v, a number for each row. Learning rate 0.02, the fallback's
/// 3e-4.
/// </summary>
public sealed record NorMuon : OrthogonalMomentum
{
    private const double LeastRowNorm = 1e-6;

    /// <summary>The plain form of <see cref="Recipes"/>, with the settings of <see cref="Muon.Plain"/>.</summary>
    public static NorMuon Plain { get; } = new() { WeightDecay = 0.1, Fallback = AdamW.Plain, FallbackScale = 0.05 };

    /// <summary>The authors' code: no decay. It adds epsilon to |N| as well, which changes a step by less than 1e-10 of its size.</summary>
    public static NorMuon Official { get; } = new() { WeightDecay = 0, Epsilon = 1e-10, Split = 1 };

    /// <summary>Microsoft's dion: Polar Express, learning rate 0.01, no look ahead.</summary>
    public static NorMuon Dion { get; } = new()
    {
        LearningRate = 0.01, Accumulates = true, Nesterov = false, Scale = MuonScale.Spectral, Split = 1,
        NewtonSchulz = new() { Series = NewtonSchulzSeries.PolarExpress, Epsilon = 1e-8 },
        Fallback = new AdamW { Beta2 = 0.95 }, FallbackScale = 1,
    };

    /// <summary>
    /// nanochat: rows of one length before Polar Express, singular values of mean square 1 behind it, v along the long side, cautious decay
    /// at the scaled rate. Its decay falls to zero over a run; adjust weightDecay to follow it.
    /// </summary>
    public static NorMuon Nanochat { get; } = new()
    {
        Beta2 = 0.9, Epsilon = 1e-10, Guard = NormGuard.Floor, Axis = NorMuonAxis.LongSide, Equilibrates = true, Renormalises = true,
        WeightDecay = 0.2, Cautious = true, DecaysByScale = true, Split = 1,
        NewtonSchulz = new() { Series = NewtonSchulzSeries.PolarExpress, NormFactor = 1.01, Epsilon = 1e-6 },
    };

    /// <summary>The decay of v, per step.</summary>
    public double Beta2 { get; init => field = In(0, 0.999999, value); } = 0.95;

    /// <summary>What keeps from dividing by zero: in the root of v as <see cref="Guard"/> says, and the least |N|.</summary>
    public double Epsilon { get; init => field = In(1e-30, 1, value); } = 1e-8;

    /// <summary>What the epsilon does: sqrt(v) + epsilon, or sqrt(max(v, epsilon)).</summary>
    public NormGuard Guard { get; init; }

    /// <summary>Along which side v lies.</summary>
    public NorMuonAxis Axis { get; init; }

    /// <summary>Brings the rows of the momentum to one length before it is orthogonalised.</summary>
    public bool Equilibrates { get; init; }

    /// <summary>Brings O to the norm sqrt(min(rows, columns)), which it has where all singular values are 1.</summary>
    public bool Renormalises { get; init; }

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        base.Init(parameter, state);
        state.AddTensor("v", Before(parameter, BlockCount(parameter)));
    }

    /// <inheritdoc/>
    private protected override void Prepare(Tensor momentum)
    {
        if (!Equilibrates) return;
        double norm = Math.Sqrt(momentum.SumSquares()); // the orthogonalisation names one that is not finite
        double power = norm > 0 && double.IsFinite(norm) ? Math.ScaleB(1, -Math.Clamp(Math.ILogB(norm), -126, 126)) : 1;
        momentum.MapInPlace(new Affine(power, -0.0)); // exact, and no square overflows
        var rows = Squares(momentum, alongRows: true);
        rows.MapInPlace(new InverseNorm(norm / Math.Sqrt(momentum.Shape[0]), LeastRowNorm * power));
        Multiply(momentum, rows);
    }

    /// <inheritdoc/>
    private protected override double Normalise(Parameter parameter, int block, Tensor direction, RuleState state)
    {
        long rows = direction.Shape[0], columns = direction.Shape[1], length = Length(rows, columns);
        double norm = Math.Sqrt(direction.SumSquares()), factor = Renormalises && norm > 0 ? Math.Sqrt(Math.Min(rows, columns)) / norm : 1;
        var squares = Squares(direction, AlongRows(rows, columns));
        var own = state.Tensor("v").ViewAs(new Layout(length, 1, Before(parameter, block)), Name);
        own.Step(new Blend(Beta2, (1 - Beta2) * factor * factor * length / direction.Count), squares);
        var roots = Scratch(direction.Device, squares.Shape);
        View by = own.Read(Name).As(squares.Shape), to = roots.Write(Name);
        if (Guard == NormGuard.Add) direction.Device.Backend.Map(new InverseRootPlus(Epsilon), by, to);
        else direction.Device.Backend.Map(new InverseNorm(1, Math.Sqrt(Epsilon)), by, to);
        direction.Device.Backend.Map2(new TimesRoot(), to, squares.Read(Name), squares.Write(Name));
        double normalised = factor * Math.Sqrt(squares.SumSquares());
        Multiply(direction, roots);
        return factor * factor * norm / Math.Max(normalised, Epsilon);
    }

    private bool AlongRows(long rows, long columns) => Axis == NorMuonAxis.Rows || rows >= columns;

    /// <summary>The numbers of v for a block.</summary>
    private long Length(long rows, long columns) => AlongRows(rows, columns) ? rows : columns;

    /// <summary>The numbers of v for the first blocks.</summary>
    private long Before(Parameter parameter, int blocks)
    {
        int all = BlockCount(parameter);
        long columns = Columns(parameter), sum = 0;
        for (int i = 0; i < blocks; i++) sum += Length(RowsOf(parameter, all, i), columns);
        return sum;
    }

    /// <summary>The sums of squares of rows (n, 1) or columns (1, n).</summary>
    private Tensor Squares(Tensor x, bool alongRows)
    {
        var sums = Scratch(x.Device, alongRows ? x.Shape.With(1, 1) : x.Shape.With(0, 1));
        x.Device.Backend.Fold(new SquareSum(SecondMoment.Largest, 0, 1), x.Read(Name), sums.Write(Name), add: false);
        return sums;
    }

    /// <summary>x times a factor for each row or column.</summary>
    private void Multiply(Tensor x, Tensor factors)
    {
        var y = x.Write(Name);
        x.Device.Backend.Map2(new Multiply(), y, factors.Read(Name).To(x.Shape), y);
    }

    private Tensor Scratch(Device device, Shape shape) => Tensor.Empty(device, shape, device.Float, Use.Scratch, Name);
}

/// <summary>size / max(sqrt(x), floor): x is a square.</summary>
/// <param name="size">What 1 becomes.</param>
/// <param name="floor">The least root.</param>
public readonly struct InverseNorm(Hyper size, Hyper floor) : IMap1<InverseNorm>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Of(size) / V.Max(V.Sqrt(x), V.Of(floor));
}

/// <summary>1 / (sqrt(x) + epsilon).</summary>
/// <param name="epsilon">Added to the root.</param>
public readonly struct InverseRootPlus(Hyper epsilon) : IMap1<InverseRootPlus>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Of(1f) / (V.Sqrt(x) + V.Of(epsilon));
}
