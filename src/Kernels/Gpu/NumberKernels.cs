using ILGPU;

namespace Mayfly;

/// <summary>A number that a kernel takes: a cell's times the factor, or the factor alone.</summary>
internal readonly struct NumberPlace(Number number)
{
    private readonly int cell = number.Cell;
    private readonly double factor = number.Factor;

    public double From(ArrayView<double> cells) => cell < 0 ? factor : factor * cells[cell];

    /// <summary>The number as a formula of elements takes it.</summary>
    public Hyper HyperFrom(ArrayView<double> cells) => Hyper.Of((float)From(cells));
}

/// <summary>
/// Where the numbers of a formula are, the kept one's place 0 where there is none, and the number of what to say of a fault.
/// </summary>
internal readonly struct NumberCall(NumberPlace a, NumberPlace b, int kept, int result, int fault)
{
    public readonly NumberPlace A = a, B = b;
    public readonly int Kept = kept, Result = result, Fault = fault;
}

/// <summary>Numbers made of others, by one lane. Cell 0 has the first fault.</summary>
internal static class NumberKernels
{
    public static void Compute<TOp>(TOp op, NumberCall call, ArrayView<double> cells) where TOp : unmanaged, IScalar<TOp>
    {
        double kept = call.Kept > 0 ? cells[call.Kept] : 0;
        double result = op.Of(call.A.From(cells), call.B.From(cells), ref kept);
        if (call.Kept > 0) cells[call.Kept] = kept;
        cells[call.Result] = result;
        if (call.Fault > 0 & cells[0] == 0 & !Numbers.IsFinite(result)) cells[0] = call.Fault;
    }
}
