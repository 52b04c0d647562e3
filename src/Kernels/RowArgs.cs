namespace Mayfly;

/// <summary>
/// The operands of <see cref="Backend.Row{TOp}(TOp, in RowArgs)"/> and <see cref="Backend.Column"/>; all matrices contiguous (rows, n).
/// </summary>
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

    /// <summary>Saved row numbers (rows, 2): shift and scale of each row; may be absent.</summary>
    public View Stats { get; init; }

    /// <summary>True: shift and scale are read from <see cref="Stats"/> first; false: they are written there after the folds.</summary>
    public bool LoadStats { get; init; }

    /// <summary>True: Y += the result.</summary>
    public bool Add { get; init; }
}
