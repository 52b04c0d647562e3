using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

/// <summary>
/// A group's shared memory and the two products of attention: of the rows of two operands over the head's elements, and of weights with an
/// operand's rows. Lines of quads; each line has one unused place at its end against bank conflicts.
/// </summary>
internal readonly struct AttentionRoom<TTile> where TTile : unmanaged, IAttentionTile
{
    private readonly ArrayView<Quad> left, right, weights;

    private AttentionRoom(ArrayView<Quad> left, ArrayView<Quad> right, ArrayView<Quad> weights)
    {
        this.left = left;
        this.right = right;
        this.weights = weights;
    }

    private static int Across => TTile.Edge / 4;

    private static int Down => TTile.Edge / 8;

    private static int Line => Across + 1;

    private static int Lane => Group.IdxY * Across + Group.IdxX;

    private static int LaneCount => Across * Down;

    /// <summary>Asks for the memory; once in a kernel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AttentionRoom<TTile> Ask() => new(
        SharedMemory.Allocate<Quad>(TTile.Chunk * Line), SharedMemory.Allocate<Quad>(TTile.Chunk * Line),
        SharedMemory.Allocate<Quad>(TTile.Edge * Line));

    /// <summary>
    /// The products of the rows of a from <paramref name="firstA"/> on with those of b: element (i, j) is a[firstA + i] . b[firstB + j].
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AttentionPiece Products(AttentionRows a, int firstA, AttentionRows b, int firstB, int size)
    {
        var sums = default(AttentionPiece);
        for (int from = 0; from < size; from += TTile.Chunk)
        {
            Group.Barrier();
            Turn(a, firstA, from, left);
            Turn(b, firstB, from, right);
            Group.Barrier();
            for (int d = 0; d < TTile.Chunk; d++) sums = Add(sums, left, d * Line, d * Line);
        }

        return sums;
    }

    /// <summary>sums + weights b: element (i, j) grows by the sum over k of weight(i, k) b[first + k, column + j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AttentionPiece Weighed(AttentionPiece sums, AttentionPiece weight, AttentionRows b, int first, int column)
    {
        for (int from = 0; from < TTile.Edge; from += TTile.Chunk)
        {
            Group.Barrier();
            if (from == 0) Share(weight);
            Load(b, first + from, column, right);
            Group.Barrier();
            for (int k = 0; k < TTile.Chunk; k++) sums = Add(sums, weights, (from + k) * Line, k * Line);
        }

        return sums;
    }

    /// <summary>The largest of each row over all lanes that share it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AttentionNumbers Largest(AttentionNumbers own)
    {
        Share(own);
        for (int i = 0; i < Across; i++) own = own.Max(Shared(i));
        return own;
    }

    /// <summary>The sum of each row over all lanes that share it, in their order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AttentionNumbers Total(AttentionNumbers own)
    {
        Share(own);
        var total = default(AttentionNumbers);
        for (int i = 0; i < Across; i++) total = total.Plus(Shared(i));
        return total;
    }

    /// <summary>Writes a lane's piece of the tile that starts at a row and a column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(AttentionRows rows, int first, int column, AttentionPiece piece)
    {
        int row = first + 4 * Group.IdxY;
        rows.Put(row, column + 4 * Group.IdxX, piece.Upper);
        rows.Put(row + TTile.Edge / 2, column + 4 * Group.IdxX, piece.Lower);
    }

    /// <summary>Adds the outer product of a line of columns, the lane's rows of it, and a line of the right operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private AttentionPiece Add(AttentionPiece sums, ArrayView<Quad> columns, int columnLine, int rowLine)
    {
        var row = right[rowLine + Group.IdxX];
        sums.Upper.Add(columns[columnLine + Group.IdxY], row);
        sums.Lower.Add(columns[columnLine + Down + Group.IdxY], row);
        return sums;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Share(AttentionNumbers own)
    {
        Group.Barrier();
        left[Group.IdxX * Across + Group.IdxY] = own.Upper;
        left[Group.IdxX * Across + Down + Group.IdxY] = own.Lower;
        Group.Barrier();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private AttentionNumbers Shared(int lane) => new(left[lane * Across + Group.IdxY], left[lane * Across + Down + Group.IdxY]);

    /// <summary>A tile of weights, turned: weights[column][row].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Share(AttentionPiece weight)
    {
        Turn(weight.Upper, 4 * Group.IdxX * Line + Group.IdxY);
        Turn(weight.Lower, 4 * Group.IdxX * Line + Down + Group.IdxY);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Turn(Sums4 weight, int place)
    {
        weights[place] = Quad.Of(weight.R0.X, weight.R1.X, weight.R2.X, weight.R3.X);
        weights[place + Line] = Quad.Of(weight.R0.Y, weight.R1.Y, weight.R2.Y, weight.R3.Y);
        weights[place + 2 * Line] = Quad.Of(weight.R0.Z, weight.R1.Z, weight.R2.Z, weight.R3.Z);
        weights[place + 3 * Line] = Quad.Of(weight.R0.W, weight.R1.W, weight.R2.W, weight.R3.W);
    }

    /// <summary>Elements <paramref name="from"/> to from + Chunk of a tile of rows, turned: to[element][row].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(AttentionRows rows, int first, int from, ArrayView<Quad> to)
    {
        var places = to.Cast<float>();
        for (int i = Lane; i < TTile.Edge * TTile.Chunk; i += LaneCount)
        {
            int row = i / TTile.Chunk, d = i - row * TTile.Chunk;
            places[d * 4 * Line + row] = rows.Get(first + row, from + d);
        }
    }

    /// <summary>Columns <paramref name="column"/> to column + Edge of Chunk rows: to[row][column].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(AttentionRows rows, int first, int column, ArrayView<Quad> to)
    {
        var places = to.Cast<float>();
        for (int i = Lane; i < TTile.Edge * TTile.Chunk; i += LaneCount)
        {
            int row = i / TTile.Edge, d = i - row * TTile.Edge;
            places[row * 4 * Line + d] = rows.Get(first + row, column + d);
        }
    }
}
