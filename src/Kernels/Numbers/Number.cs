namespace Mayfly;

/// <summary>
/// A number in double precision that a device may not have computed yet. A double is one. What is done with it goes to the device; asking
/// for its value waits. One that a device made is good until that device has made 65,536 others.
/// </summary>
public readonly struct Number
{
    private readonly double factor;
    private readonly GpuNumbers? cells;
    private readonly long ticket;

    private Number(double factor, GpuNumbers? cells, long ticket) => (this.factor, this.cells, this.ticket) = (factor, cells, ticket);

    /// <summary>The number of a cell.</summary>
    internal Number(GpuNumbers cells, long ticket) : this(1, cells, ticket)
    {
    }

    /// <summary>True where the host has it.</summary>
    public bool IsKnown => cells is null;

    /// <summary>The number; waits for the device where it is not known.</summary>
    public double Value => cells is null ? factor : factor * cells.Read(ticket);

    /// <summary>Times what a cell has; the number itself where there is none.</summary>
    internal double Factor => factor;

    /// <summary>Where its cell is; below zero where it has none.</summary>
    internal int Cell => cells?.Place(ticket) ?? -1;

    /// <summary>A number that is known.</summary>
    public static implicit operator Number(double value) => new(value, null, 0);

    /// <summary>The product with a number that is known.</summary>
    public static Number operator *(Number a, double b) => new(a.factor * b, a.cells, a.ticket);
}
