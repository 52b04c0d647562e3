using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>How <see cref="NewtonSchulz"/> keeps from dividing by a norm of zero.</summary>
public enum NormGuard
{
    /// <summary>X / (|X| + epsilon).</summary>
    Add,

    /// <summary>X / max(|X|, epsilon).</summary>
    Floor,
}

/// <summary>Which factors the iterations of <see cref="NewtonSchulz"/> take.</summary>
public enum NewtonSchulzSeries
{
    /// <summary>A, B and C in each.</summary>
    Same,

    /// <summary>
    /// Others in each of exactly five, found for the least error that five can have (Amsel et al., "The Polar Express", 2025), with a
    /// margin of 2 % for rounding: those of modded-nanogpt, dion and nanochat.
    /// </summary>
    PolarExpress,

    /// <summary>The same with a margin of 1 %, as the paper prints them; they go on for any number and end at 1.</summary>
    PolarExpressPaper,
}

/// <summary>
/// An approximate orthogonalisation of a matrix by matrix products alone: a quintic Newton-Schulz iteration (Jordan et al., "Muon: an
/// optimizer for hidden layers in neural networks", 2024). |X| is the Frobenius norm:
/// <code>
/// X = X / (normFactor |X| + epsilon)
/// Steps times:   A = X X^T        X = a X + (b A + c A A) X
/// </code>
/// Each singular value s goes to a s + b s^3 + c s^5 at each step, singular vectors stay. With the default coefficients five steps map
/// every s of at least 0.002 |X| into [0.68, 1.20]; they are chosen for speed and do not converge to 1. Polar Express has another triple
/// in each iteration and takes five times to [0.86, 1.14]. A matrix of zeros stays zero.
/// </summary>
/// <remarks>
/// Always the smaller of X X^T and X^T X is formed, by transposed views. Work space: another X and two squares of X's smaller side. A and
/// A A are symmetric: of large ones only the panels on and right of the diagonal are multiplied.
/// </remarks>
public sealed record NewtonSchulz : Adjustable
{
    private const long Panel = 256;

    // Of the paper's list with the last one for ever; the margin divides all before it.
    private static readonly (double A, double B, double C)[] paper =
    [
        .. Margin(
            1.01, (8.28721201814563, -23.595886519098837, 17.300387312530933), (4.107059111542203, -2.9478499167379106, .5448431082926601),
            (3.9486908534822946, -2.908902115962949, .5518191394370137), (3.3184196573706015, -2.488488024314874, .51004894012372),
            (2.300652019954817, -1.6689039845749493, .4188073119525673), (1.891301407787398, -1.2679958271945868, .37680408948524835),
            (1.8750014808534479, -1.2500016453999487, .3750001645474248)),
        (1.875, -1.25, .375),
    ];

    private static readonly (double A, double B, double C)[] five =
    [
        (8.156554524902461, -22.48329292557795, 15.878769915207462), (4.042929935166739, -2.808917465908714, .5000178451051316),
        (3.8916678022926607, -2.772484153217685, .5060648178503393), (3.285753657755655, -2.3681294933425376, .46449024233003106),
        (2.3465413258596377, -1.7097828382687081, .42323551169305323),
    ];

    /// <summary>The number of iterations, at least 1.</summary>
    public int Steps { get; init => field = In(1, 1000, value); } = 5;

    /// <summary>The factor a of X.</summary>
    public double A { get; init; } = 3.4445;

    /// <summary>The factor b of X X^T X.</summary>
    public double B { get; init; } = -4.7750;

    /// <summary>The factor c of (X X^T)^2 X.</summary>
    public double C { get; init; } = 2.0315;

    /// <summary>Whether each iteration has factors of its own, in the place of A, B and C.</summary>
    public NewtonSchulzSeries Series { get; init; }

    /// <summary>How many times its norm a matrix is divided by; null takes the series' own: 1, 1.02 or 1.01.</summary>
    public double? NormFactor { get; init => field = In(1, 2, value); }

    /// <summary>The smallest norm that counts; null takes the machine epsilon of the device's numbers.</summary>
    public double? Epsilon { get; init; } = 1e-7;

    /// <summary>What the epsilon does.</summary>
    public NormGuard Guard { get; init; }

    /// <summary>
    /// True: X, A and the polynomial are rounded to bfloat16 after each product, as the references' GPU code keeps them; sums stay in the
    /// device's precision. It models their results; it saves nothing here.
    /// </summary>
    public bool Bfloat16 { get; init; }

    /// <summary>The orthogonalised copy of a dense matrix (rows, columns).</summary>
    /// <exception cref="ArgumentException">Not a dense matrix of the device's floating-point type with at least one element.</exception>
    /// <exception cref="NonFiniteException">An element is infinite or NaN.</exception>
    public Tensor Run(Tensor x)
    {
        if (x.Rank != 2 || x.Count == 0 || x.Type != x.Device.Float || !x.Layout.IsContiguous)
            throw new ArgumentException(
                $"NewtonSchulz: {x.Shape} of {x.Type}; it takes a dense matrix of {x.Device.Float} with at least one element.");
        Check();
        using var scope = x.Device.Scope("NewtonSchulz");
        var copy = Tensor.Empty(x.Device, x.Shape, x.Type, Use.Scratch, "NewtonSchulz");
        x.Device.Backend.Copy(x.Read("NewtonSchulz"), copy.Write("NewtonSchulz"));
        return scope.Return(Consume(copy, "the matrix"));
    }

    /// <summary>
    /// Orthogonalises a dense matrix, overwriting it; the result is that matrix or another of the innermost scope, which frees the work
    /// space.
    /// </summary>
    /// <exception cref="NonFiniteException">An element is infinite or NaN; <paramref name="name"/> says of what.</exception>
    public Tensor Consume(Tensor x, string name)
    {
        var device = x.Device;
        long small = Math.Min(x.Shape[0], x.Shape[1]);
        double factor = Normalise(x, name);
        if (Bfloat16) (factor, x) = (1, Round(x, factor));
        Tensor next = Scratch(device, x.Shape), square = Scratch(device, (small, small)), polynomial = Scratch(device, (small, small));
        for (int i = 0; i < Steps; i++, factor = 1)
        {
            Polynomial(x, square, polynomial, factor * factor, Factors(i));
            Multiply(polynomial, x, next, factor);
            if (Bfloat16) Round(next, 1);
            (x, next) = (next, x);
        }

        return x;
    }

    /// <summary>Refuses settings that do not go together.</summary>
    /// <exception cref="ArgumentException">A series made for five steps, and another number.</exception>
    public void Check()
    {
        if (Series == NewtonSchulzSeries.PolarExpress && Steps != five.Length)
            throw new ArgumentException(
                $"NewtonSchulz: series PolarExpress is made for {five.Length} steps, not {Steps}; PolarExpressPaper takes any number.");
    }

    private (double A, double B, double C) Factors(int step) => Series switch
    {
        NewtonSchulzSeries.PolarExpress => five[step],
        NewtonSchulzSeries.PolarExpressPaper => paper[Math.Min(step, paper.Length - 1)],
        _ => (A, B, C),
    };

    private double Multiple => NormFactor ?? Series switch
    {
        NewtonSchulzSeries.PolarExpress => 1.02,
        NewtonSchulzSeries.PolarExpressPaper => 1.01,
        _ => 1,
    };

    /// <summary>The polynomials of x / margin, so that a value which rounding lifts above 1 does not escape.</summary>
    private static IEnumerable<(double A, double B, double C)> Margin(double margin, params (double A, double B, double C)[] series) =>
        series.Select(f => (f.A / margin, f.B / Math.Pow(margin, 3), f.C / Math.Pow(margin, 5)));

    private static Tensor Scratch(Device device, Shape shape) => Tensor.Empty(device, shape, device.Float, Use.Scratch, "NewtonSchulz");

    /// <summary>Scales x to a norm between 1 and 2 (tiny ones stay below), exactly; returns the factor that is left to its start.</summary>
    private double Normalise(Tensor x, string name)
    {
        var squares = x.Squares();
        double epsilon = Epsilon ?? x.Type.MachineEpsilon();
        if (!squares.IsKnown)
        {
            var root = x.Device.Backend.Compute(
                new RootOfNorm(Multiple, epsilon, Guard), squares, fault: $"NewtonSchulz: {name} has an infinity or NaN");
            x.Step(new Times(1, 1), root, root, x);
            return 1;
        }

        double norm = Multiple * Math.Sqrt(squares.Value);
        if (!double.IsFinite(norm)) throw new NonFiniteException($"NewtonSchulz: {name} has an infinity or NaN.");
        double divisor = Guard == NormGuard.Add ? norm + epsilon : Math.Max(norm, epsilon);
        if (divisor == 0) return 1;
        double power = Math.ScaleB(1, -Math.Clamp(Math.ILogB(divisor), -126, 126));
        x.MapInPlace(new Affine(power, -0.0));
        return 1 / (divisor * power);
    }

    /// <summary>
    /// square = A = scale X X^T, or of X^T X where X is tall; polynomial = a I + b A + c A A, of which a I is not rounded.
    /// </summary>
    private void Polynomial(Tensor x, Tensor square, Tensor polynomial, double scale, (double A, double B, double C) factors)
    {
        var backend = x.Device.Backend;
        View v = x.Read(nameof(NewtonSchulz)), s = square.Write(nameof(NewtonSchulz)), p = polynomial.Write(nameof(NewtonSchulz));
        Gram(backend, IsTall(x) ? v.Transposed() : v, s, scale, 0);
        if (Bfloat16) Round(square, 1);
        backend.Copy(s, p);
        Gram(backend, s, p, factors.C, factors.B);
        if (Bfloat16) Round(polynomial, 1);
        using var a = Scratch(x.Device, 1);
        a.Fill(factors.A);
        long n = p.Shape[0];
        backend.Copy(a.Read(nameof(NewtonSchulz)).With(new Layout(n, 0, 0)), p.With(new Layout(n, n + 1, 0)), add: true);
    }

    /// <summary>y = scale P x, or scale x P where x is tall.</summary>
    private static void Multiply(Tensor polynomial, Tensor x, Tensor y, double scale)
    {
        View p = polynomial.Read(nameof(NewtonSchulz)), v = x.Read(nameof(NewtonSchulz));
        bool tall = IsTall(x);
        x.Device.Backend.Run(new Gemm<Identity> { A = tall ? v : p, B = tall ? p : v, C = y.Write(nameof(NewtonSchulz)), Alpha = scale });
    }

    /// <summary>y = alpha x x^T + beta y, of which each panel of rows is multiplied from the diagonal on and then mirrored.</summary>
    private static void Gram(Backend backend, in View x, in View y, double alpha, double beta)
    {
        long n = y.Shape[0];
        for (long start = 0; start < n; start += Panel)
        {
            long rows = Math.Min(Panel, n - start), after = start + rows;
            View left = x.With(x.Layout.Slice(0, start, rows)), right = x.With(x.Layout.Slice(0, start, n - start));
            var panel = y.Layout.Slice(0, start, rows);
            backend.Run(new Gemm<Identity>
            {
                A = left, B = right.Transposed(), C = y.With(panel.Slice(1, start, n - start)), Alpha = alpha, Beta = beta,
            });
            if (after == n) return;
            var mirrored = y.Layout.Slice(0, after, n - after).Slice(1, start, rows);
            backend.Copy(y.With(panel.Slice(1, after, n - after).Transpose(0, 1)), y.With(mirrored));
        }
    }

    /// <summary>x = scale x, rounded to the eight binary digits of a bfloat16.</summary>
    private static Tensor Round(Tensor x, double scale)
    {
        x.MapInPlace(new EightDigits(scale, x.Type == DType.F64 ? 1L << 45 : 1 << 16));
        return x;
    }

    private static bool IsTall(Tensor x) => x.Shape[0] > x.Shape[1];
}

/// <summary>
/// scale x, rounded to fewer binary digits by a product that pushes the others out and back (Veltkamp 1968). Magnitudes of at most 2^80.
/// </summary>
/// <param name="scale">The factor of x.</param>
/// <param name="shift">Two to the number of digits that go: 2^16 leaves eight of a float's 24, 2^45 eight of a double's 53.</param>
public readonly struct EightDigits(Hyper scale, Hyper shift) : IMap1<EightDigits>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V>
    {
        var y = V.Of(scale) * x;
        var far = V.Of(shift) * y;
        return far - (far - y);
    }
}
