namespace Mayfly;

// Arithmetic of whole numbers: what +, -, * and comparisons do with tensors of I32.
public static partial class TensorOps
{
    /// <summary>What a formula of floats is of whole numbers; null where there is none.</summary>
    private static IntegerFormula? WholeFormula<TFormula>() =>
        typeof(TFormula) == typeof(Add) ? IntegerFormula.Add
        : typeof(TFormula) == typeof(Subtract) ? IntegerFormula.Subtract
        : typeof(TFormula) == typeof(Multiply) ? IntegerFormula.Multiply
        : typeof(TFormula) == typeof(Less) ? IntegerFormula.Less
        : typeof(TFormula) == typeof(LessOrEqual) ? IntegerFormula.LessOrEqual
        : typeof(TFormula) == typeof(AreEqual) ? IntegerFormula.Equal
        : null;

    /// <summary>y = F(a, b) of whole numbers; shapes broadcast.</summary>
    private static Tensor Integers(this Op call, IntegerFormula formula, Tensor a, Tensor b)
    {
        var shape = call.Broadcast(a.Shape, b.Shape);
        var y = call.New(shape, formula < IntegerFormula.Less ? DType.I32 : null);
        using Tensor wideA = call.Scratch(shape, DType.I32), wideB = call.Scratch(shape, DType.I32);
        call.Backend.Run(new Integers(Wide(call, a, wideA), Wide(call, b, wideB), call.Write(y), formula));
        return y;
    }

    private static View Wide(Op call, Tensor x, Tensor wide)
    {
        if (x.Shape == wide.Shape && x.Layout.IsContiguous) return call.Read(x);
        call.Backend.Copy(call.Read(x).To(wide.Shape), call.Write(wide));
        return call.Read(wide);
    }

    /// <summary>An op of a tensor and a number of its type.</summary>
    /// <exception cref="ArgumentException">The tensor is of I32, and the number is not whole or too large.</exception>
    private static Tensor WithNumber(string name, Tensor x, double number, Func<Tensor, Tensor, Tensor> op)
    {
        if (x.Type == DType.I32 && !(number == Math.Floor(number) && number is >= int.MinValue and <= int.MaxValue))
            throw new ArgumentException($"{name}: a tensor {x.Shape} of I32 and {number:R}; give a whole number, or convert by ToFloat().");
        using var scalar = x.Type == DType.I32
            ? Tensor.From<int>([(int)number], default, x.Device)
            : Tensor.Full(default, number, x.Device);
        return op(x, scalar);
    }
}
