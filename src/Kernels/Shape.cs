using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Up to <see cref="MaxRank"/> sizes, outermost first: a tensor's extents, or its strides. A value type, so that shapes cost no garbage.
/// </summary>
public readonly struct Shape : IEquatable<Shape>
{
    /// <summary>The most axes a tensor has.</summary>
    public const int MaxRank = 6;

    [InlineArray(MaxRank)]
    private struct Axes
    {
        private long first;
    }

    private readonly Axes axes;

    /// <summary>The number of axes.</summary>
    public int Rank { get; }

    /// <summary>Makes a shape of the given sizes.</summary>
    /// <exception cref="ArgumentException">More than <see cref="MaxRank"/> axes.</exception>
    public Shape(params ReadOnlySpan<long> sizes)
    {
        if (sizes.Length > MaxRank) throw new ArgumentException($"A shape has at most {MaxRank} axes, not {sizes.Length}.");
        Rank = sizes.Length;
        for (int i = 0; i < sizes.Length; i++) axes[i] = sizes[i];
    }

    /// <summary>The size of an axis; a negative axis counts from the last.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such axis.</exception>
    public long this[int axis]
    {
        get
        {
            int i = axis < 0 ? axis + Rank : axis;
            if ((uint)i >= (uint)Rank) throw new ArgumentOutOfRangeException(nameof(axis), $"Axis {axis} of shape {this} of rank {Rank}.");
            return axes[i];
        }
    }

    /// <summary>The number of elements.</summary>
    /// <exception cref="OverflowException">The product does not fit in 64 bits.</exception>
    public long Count
    {
        get
        {
            long n = 1;
            for (int i = 0; i < Rank; i++) n = checked(n * axes[i]);
            return n;
        }
    }

    /// <summary>The same sizes with axis <paramref name="axis"/> set to <paramref name="size"/>.</summary>
    public Shape With(int axis, long size)
    {
        Span<long> all = stackalloc long[MaxRank];
        CopyTo(all);
        all[axis < 0 ? axis + Rank : axis] = size;
        return new Shape(all[..Rank]);
    }

    /// <summary>The first <paramref name="count"/> axes.</summary>
    public Shape Take(int count)
    {
        Span<long> all = stackalloc long[MaxRank];
        CopyTo(all);
        return new Shape(all[..count]);
    }

    /// <summary>The axes from <paramref name="start"/> on.</summary>
    public Shape Skip(int start)
    {
        Span<long> all = stackalloc long[MaxRank];
        CopyTo(all);
        return new Shape(all[start..Rank]);
    }

    /// <summary>These axes followed by one more.</summary>
    public Shape Append(long size)
    {
        Span<long> all = stackalloc long[MaxRank + 1];
        CopyTo(all);
        all[Rank] = size;
        return new Shape(all[..(Rank + 1)]);
    }

    /// <summary>Writes the sizes to <paramref name="sizes"/>.</summary>
    public void CopyTo(Span<long> sizes)
    {
        for (int i = 0; i < Rank; i++) sizes[i] = axes[i];
    }

    /// <summary>The row-major strides of this shape, in elements.</summary>
    public Shape RowMajorStrides()
    {
        Span<long> strides = stackalloc long[MaxRank];
        long step = 1;
        for (int i = Rank - 1; i >= 0; i--)
        {
            strides[i] = step;
            step = checked(step * axes[i]);
        }

        return new Shape(strides[..Rank]);
    }

    /// <inheritdoc/>
    public bool Equals(Shape other)
    {
        if (Rank != other.Rank) return false;
        for (int i = 0; i < Rank; i++)
            if (axes[i] != other.axes[i]) return false;
        return true;
    }

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        for (int i = 0; i < Rank; i++) hash.Add(axes[i]);
        return hash.ToHashCode();
    }

    /// <summary>As in <c>(12, 64, 128)</c>.</summary>
    public override string ToString()
    {
        var text = new System.Text.StringBuilder("(");
        for (int i = 0; i < Rank; i++) text.Append(i == 0 ? "" : ", ").Append(axes[i]);
        return text.Append(')').ToString();
    }

    /// <summary>Same sizes.</summary>
    public static bool operator ==(Shape a, Shape b) => a.Equals(b);

    /// <summary>Different sizes.</summary>
    public static bool operator !=(Shape a, Shape b) => !a.Equals(b);

    /// <summary>A shape of one axis.</summary>
    public static implicit operator Shape(long size) => new(size);

    /// <summary>A shape of two axes.</summary>
    public static implicit operator Shape((long A, long B) s) => new(s.A, s.B);

    /// <summary>A shape of three axes.</summary>
    public static implicit operator Shape((long A, long B, long C) s) => new(s.A, s.B, s.C);

    /// <summary>A shape of four axes.</summary>
    public static implicit operator Shape((long A, long B, long C, long D) s) => new(s.A, s.B, s.C, s.D);

    /// <summary>Five axes.</summary>
    public static implicit operator Shape((long A, long B, long C, long D, long E) s) => new(s.A, s.B, s.C, s.D, s.E);

    /// <summary>Six axes.</summary>
    public static implicit operator Shape((long A, long B, long C, long D, long E, long F) s) => new(s.A, s.B, s.C, s.D, s.E, s.F);
}
