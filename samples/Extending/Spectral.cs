using System.Runtime.CompilerServices;
using Mayfly;

namespace Extending;

/// <summary>
/// Steps each matrix along the orthogonal factor of its momentum, as Muon (Jordan et al. 2024) does, found by the cubic iteration of Björck
/// and Bowie (1971). State: b, of the parameter's shape.
/// <code>
/// b = momentum b + g
/// X = b / |b|, then steps times X = 3/2 X - 1/2 X X^T X
/// p = p - learningRate X
/// </code>
/// </summary>
public sealed record Spectral : Rule
{
    public double Momentum { get; init => field = In(0, 1.0, value); } = 0.9;

    public int Steps { get; init => field = In(1, 100, value); } = 12;

    public override void Init(Parameter parameter, RuleState state) => state.AddTensor("b", parameter.Shape);

    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        using var scope = parameter.Value.Device.Scope(Name);
        var b = state.Tensor("b");
        b.MapInPlace(new Affine(Momentum, -0.0));
        b.AddInPlace(gradient);
        long start = 0, columns = parameter.Shape.Count / parameter.Shape[0];
        foreach (long rows in parameter.RowBlocks.DefaultIfEmpty(parameter.Shape[0]))
        {
            var block = new Layout((rows, columns), (columns, 1), start * columns);
            parameter.Value.ViewAs(block, Name).Step(new SpectralUpdate(step.LearningRate), Orthogonal(b.ViewAs(block, Name)));
            start += rows;
        }
    }

    private Tensor Orthogonal(Tensor b)
    {
        double norm = Math.Sqrt(b.SumSquares());
        var x = Scratch(b, b.Shape);
        b.Device.Backend.Map(new Affine(norm > 0 ? 1 / norm : 0, -0.0), b.Read(Name), x.Write(Name));
        for (int i = 0; i < Steps; i++) x = Iterate(x);
        return x;
    }

    private Tensor Iterate(Tensor x)
    {
        bool tall = x.Shape[0] > x.Shape[1];
        long small = Math.Min(x.Shape[0], x.Shape[1]);
        Tensor square = Scratch(x, (small, small)), next = Scratch(x, x.Shape);
        View v = x.Read(Name), s = square.Write(Name), y = next.Write(Name);
        var backend = x.Device.Backend;
        backend.Run(new Gemm<Identity> { A = tall ? v.Transposed() : v, B = tall ? v : v.Transposed(), C = s });
        backend.Copy(v, y);
        backend.Run(new Gemm<Identity> { A = tall ? v : s, B = tall ? s : v, C = y, Alpha = -0.5, Beta = 1.5 });
        return next;
    }

    private Tensor Scratch(Tensor like, Shape shape) => Tensor.Empty(like.Device, shape, like.Type, Use.Scratch, Name);
}

/// <summary>One element of <see cref="Spectral"/>: g is the orthogonal factor.</summary>
public readonly struct SpectralUpdate(Hyper learningRate) : IUpdate<SpectralUpdate>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V> => p -= V.Of(learningRate) * g;
}
