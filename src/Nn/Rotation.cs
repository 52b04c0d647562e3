namespace Mayfly;

/// <summary>How queries and keys turn with their position (Su et al. 2021).</summary>
/// <param name="Table">From <see cref="TensorOps.RotaryTable"/>.</param>
/// <param name="Halves">False: pairs (2i, 2i + 1); true: pairs (i, i + D / 2).</param>
public sealed record Rotation(Tensor Table, bool Halves = false);
