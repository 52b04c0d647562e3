namespace Mayfly;

/// <summary>What <see cref="Integers"/> computes.</summary>
public enum IntegerFormula
{
    /// <summary>a + b.</summary>
    Add,

    /// <summary>a - b.</summary>
    Subtract,

    /// <summary>a b.</summary>
    Multiply,

    /// <summary>1 where a &lt; b, else 0.</summary>
    Less,

    /// <summary>1 where a &lt;= b, else 0.</summary>
    LessOrEqual,

    /// <summary>1 where a = b, else 0.</summary>
    Equal,
}

/// <summary>
/// A function of two whole numbers, element by element. What does not fit 32 bits wraps around. Comparisons make numbers of the device's
/// floating-point type, as those of floats do. A GPU has it done by the host, as tensors of whole numbers are ids, and small.
/// </summary>
/// <param name="A">I32, contiguous.</param>
/// <param name="B">I32 of A's count, contiguous.</param>
/// <param name="Y">Of A's count, contiguous: I32, or floats of a comparison.</param>
/// <param name="Formula">The function.</param>
public readonly partial record struct Integers(View A, View B, View Y, IntegerFormula Formula) : IKernel
{
    /// <inheritdoc/>
    public KernelCost Cost => new KernelCost("Integers").Reads(A, B).Writes(Y);

    /// <summary>True for a comparison.</summary>
    internal bool Compares => Formula >= IntegerFormula.Less;

    /// <inheritdoc/>
    public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
    {
        for (long i = 0; i < Y.Count; i++)
        {
            int value = Of((int)Formula, device.Id(A, i), device.Id(B, i));
            if (Compares) device.Set(Y, i, V.Of((float)value));
            else device.SetId(Y, i, value);
        }
    }

    /// <summary>The function, on any device.</summary>
    internal static int Of(int formula, int a, int b) => formula switch
    {
        (int)IntegerFormula.Add => unchecked(a + b),
        (int)IntegerFormula.Subtract => unchecked(a - b),
        (int)IntegerFormula.Multiply => unchecked(a * b),
        (int)IntegerFormula.Less => a < b ? 1 : 0,
        (int)IntegerFormula.LessOrEqual => a <= b ? 1 : 0,
        _ => a == b ? 1 : 0,
    };
}
