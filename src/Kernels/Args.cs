namespace Mayfly;

/// <summary>The operands of <see cref="Backend.Row"/> and <see cref="Backend.Column"/>; all matrices contiguous (rows, n).</summary>
public readonly record struct RowArgs
{
    /// <summary>The rows.</summary>
    public required View X { get; init; }

    /// <summary>A second matrix of the same shape (the upstream gradient); may be absent.</summary>
    public View Dy { get; init; }

    /// <summary>A vector of n; may be absent.</summary>
    public View Gain { get; init; }

    /// <summary>A vector of n; may be absent.</summary>
    public View Bias { get; init; }

    /// <summary>The output matrix; may be X or Dy. Absent for a column fold.</summary>
    public View Y { get; init; }

    /// <summary>Saved row numbers (rows, 2): S0 and S1 of each row; may be absent.</summary>
    public View Stats { get; init; }

    /// <summary>True: S0 and S1 are read from <see cref="Stats"/> first; false: they are written there after the folds.</summary>
    public bool LoadStats { get; init; }

    /// <summary>True: Y += the result.</summary>
    public bool Add { get; init; }
}

/// <summary>
/// The operands of <see cref="Backend.Gemm"/>: C = act(alpha op(A) op(B) + beta C + bias) + residual. A, B and C are views of rank 2
/// (rows, columns) or rank 3 (batch, rows, columns); op() is expressed by strides: a transposed operand is a view whose first matrix axis has
/// stride 1. One of the two matrix axes of each operand is dense (stride 1); C's columns are dense. A batch stride of zero repeats an operand.
/// With beta = 0, C is written without being read.
/// </summary>
public readonly record struct GemmArgs
{
    /// <summary>Left operand (M, K) or (batch, M, K).</summary>
    public required View A { get; init; }

    /// <summary>Right operand (K, N) or (batch, K, N).</summary>
    public required View B { get; init; }

    /// <summary>Result (M, N) or (batch, M, N).</summary>
    public required View C { get; init; }

    /// <summary>Factor of the product, in the device's precision.</summary>
    public double Alpha { get; init; } = 1;

    /// <summary>Factor of the old C, in the device's precision.</summary>
    public double Beta { get; init; }

    /// <summary>A vector of N added to each row; may be absent. Only with rank 2.</summary>
    public View Bias { get; init; }

    /// <summary>Where to keep the value before the activation (M, N), contiguous; may be absent. Only with rank 2.</summary>
    public View Before { get; init; }

    /// <summary>A matrix (M, N), contiguous, added last; may be C itself (in place); may be absent. Only with rank 2.</summary>
    public View Residual { get; init; }

    /// <summary>Operands with alpha 1 and beta 0.</summary>
    public GemmArgs()
    {
    }
}

/// <summary>
/// The operands of attention: y[b, t, h] = sum over s of softmax(scale q[b, t, h] . k[b, s, g])[s] v[b, s, g], g = h / (H / G) the query head's group.
/// With causal masking position t of the T queries sees the keys s &lt;= t + S - T. All views are (batch, time, heads, head size) with any strides
/// and a dense last axis, so that q, k and v may lie in one fused buffer.
/// </summary>
public readonly record struct AttentionArgs
{
    /// <summary>Queries (B, T, H, D).</summary>
    public required View Q { get; init; }

    /// <summary>Keys (B, S, G, D); H is a multiple of G.</summary>
    public required View K { get; init; }

    /// <summary>Values (B, S, G, D).</summary>
    public required View V { get; init; }

    /// <summary>Output (B, T, H, D); written forward, read backward.</summary>
    public required View Y { get; init; }

    /// <summary>Log-sum-exp of the scaled scores (B, H, T), contiguous; written forward unless absent, read backward.</summary>
    public View Lse { get; init; }

    /// <summary>Upstream gradient (B, T, H, D).</summary>
    public View Dy { get; init; }

    /// <summary>Gradient of the queries, written whole.</summary>
    public View Dq { get; init; }

    /// <summary>Gradient of the keys, written whole.</summary>
    public View Dk { get; init; }

    /// <summary>Gradient of the values, written whole.</summary>
    public View Dv { get; init; }

    /// <summary>Factor of the scores, usually 1 / sqrt(D).</summary>
    public required float Scale { get; init; }

    /// <summary>Masks the future.</summary>
    public required bool Causal { get; init; }
}

/// <summary>The key of a counter-based random sequence (Philox 4x32-10, Salmon et al. 2011): element i depends on the key and i alone.</summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Stream">Which sequence: step, micro-batch and call mixed into one number.</param>
public readonly record struct RandomKey(ulong Seed, ulong Stream);

/// <summary>The activation that changes nothing.</summary>
public readonly struct Identity : IMap1<Identity>
{
    /// <inheritdoc/>
    public V F<V>(V x) where V : struct, ILane<V> => x;

    /// <inheritdoc/>
    public static Keep Keeps => Keep.Nothing;

    /// <inheritdoc/>
    public static V D<V>(Identity formula, V x, V dy) where V : struct, ILane<V> => dy;
}
