using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

/// <summary>The size of attention's square tiles. A group has (Edge / 4)^2 lanes and each owns 4 x 4 elements of a tile.</summary>
internal interface IAttentionTile
{
    /// <summary>Rows and columns of a tile: a power of two.</summary>
    static abstract int Edge { get; }

    /// <summary>Rows of an operand that lie in shared memory at a time: at least Edge / 4, at most Edge.</summary>
    static abstract int Chunk { get; }
}

/// <summary>256 lanes.</summary>
internal readonly struct AttentionTile64 : IAttentionTile
{
    public static int Edge => 64;

    public static int Chunk => 16;
}

/// <summary>64 lanes, for narrow heads and short contexts.</summary>
internal readonly struct AttentionTile32 : IAttentionTile
{
    public static int Edge => 32;

    public static int Chunk => 16;
}

/// <summary>4 lanes, for devices whose lanes are threads of the host.</summary>
internal readonly struct AttentionTile8 : IAttentionTile
{
    public static int Edge => 8;

    public static int Chunk => 8;
}

/// <summary>Four numbers side by side in memory.</summary>
internal struct AttentionQuad(float x, float y, float z, float w)
{
    public float X = x, Y = y, Z = z, W = w;

    public readonly float Total => X + Y + (Z + W);

    public readonly float Largest => Larger(Larger(X, Y), Larger(Z, W));

    public static AttentionQuad Of(float x) => new(x, x, x, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddTimes(float factor, AttentionQuad other)
    {
        X += factor * other.X;
        Y += factor * other.Y;
        Z += factor * other.Z;
        W += factor * other.W;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AttentionQuad operator +(AttentionQuad a, AttentionQuad b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AttentionQuad operator -(AttentionQuad a, AttentionQuad b) => new(a.X - b.X, a.Y - b.Y, a.Z - b.Z, a.W - b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AttentionQuad operator *(AttentionQuad a, AttentionQuad b) => new(a.X * b.X, a.Y * b.Y, a.Z * b.Z, a.W * b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AttentionQuad Max(AttentionQuad a, AttentionQuad b) => new(Larger(a.X, b.X), Larger(a.Y, b.Y), Larger(a.Z, b.Z), Larger(a.W, b.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AttentionQuad Exp(AttentionQuad a) =>
        new(G1.Exp(new G1(a.X)).Value, G1.Exp(new G1(a.Y)).Value, G1.Exp(new G1(a.Z)).Value, G1.Exp(new G1(a.W)).Value);

    private static float Larger(float a, float b) => a > b ? a : b;
}

/// <summary>The 4 x 4 elements of a tile that a lane owns: rows 4 IdxY to 4 IdxY + 3 of the tile, columns 4 IdxX to 4 IdxX + 3.</summary>
internal struct AttentionPiece(AttentionQuad a, AttentionQuad b, AttentionQuad c, AttentionQuad d)
{
    /// <summary>The rows.</summary>
    public AttentionQuad A = a, B = b, C = c, D = d;

    /// <summary>The sum of each row's four elements.</summary>
    public readonly AttentionQuad Totals => new(A.Total, B.Total, C.Total, D.Total);

    /// <summary>The largest of each row's four elements.</summary>
    public readonly AttentionQuad Largest => new(A.Largest, B.Largest, C.Largest, D.Largest);

    /// <summary>Adds the outer product of a column of four and a row of four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddOuter(AttentionQuad column, AttentionQuad row)
    {
        A.AddTimes(column.X, row);
        B.AddTimes(column.Y, row);
        C.AddTimes(column.Z, row);
        D.AddTimes(column.W, row);
    }

    /// <summary>The rows, each times its factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly AttentionPiece Scaled(AttentionQuad by) =>
        new(A * AttentionQuad.Of(by.X), B * AttentionQuad.Of(by.Y), C * AttentionQuad.Of(by.Z), D * AttentionQuad.Of(by.W));

    /// <summary>exp(element - its row's number).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly AttentionPiece Exp(AttentionQuad less) => new(
        AttentionQuad.Exp(A - AttentionQuad.Of(less.X)), AttentionQuad.Exp(B - AttentionQuad.Of(less.Y)),
        AttentionQuad.Exp(C - AttentionQuad.Of(less.Z)), AttentionQuad.Exp(D - AttentionQuad.Of(less.W)));
}

/// <summary>The rows of one head of one sequence.</summary>
internal readonly struct AttentionRows
{
    private readonly ArrayView<float> data;
    private readonly int start, step, count, size;

    public AttentionRows(HeadView view, int batch, int head, int count, int size)
    {
        data = view.Data;
        start = view.Row(batch, 0, head);
        step = view.Row(0, 1, 0);
        this.count = count;
        this.size = size;
    }

    /// <summary>An element, zero outside.</summary>
    public float Get(int row, int column) => row < count && column < size ? data[start + row * step + column] : 0f;

    /// <summary>Writes four elements of a row from a column on, as far as they exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(int row, int column, AttentionQuad values)
    {
        if (row >= count) return;
        int place = start + row * step + column;
        if (column < size) data[place] = values.X;
        if (column + 1 < size) data[place + 1] = values.Y;
        if (column + 2 < size) data[place + 2] = values.Z;
        if (column + 3 < size) data[place + 3] = values.W;
    }

    /// <summary>Writes a lane's piece of the tile that starts at a row and a column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(int row, int column, AttentionPiece piece)
    {
        int r = row + 4 * Group.IdxY, c = column + 4 * Group.IdxX;
        Put(r, c, piece.A);
        Put(r + 1, c, piece.B);
        Put(r + 2, c, piece.C);
        Put(r + 3, c, piece.D);
    }
}

/// <summary>
/// A group's shared memory and the two products of attention: of the rows of two operands over the head's elements, and of weights with an
/// operand's rows. Lines of four numbers; each line has one unused place at its end against bank conflicts.
/// </summary>
internal readonly struct AttentionRoom<TTile> where TTile : unmanaged, IAttentionTile
{
    private readonly ArrayView<AttentionQuad> left, right, weights;

    private AttentionRoom(ArrayView<AttentionQuad> left, ArrayView<AttentionQuad> right, ArrayView<AttentionQuad> weights)
    {
        this.left = left;
        this.right = right;
        this.weights = weights;
    }

    private static int Line => TTile.Edge / 4 + 1;

    /// <summary>Asks for the memory; once in a kernel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AttentionRoom<TTile> Ask() => new(
        SharedMemory.Allocate<AttentionQuad>(TTile.Chunk * (TTile.Edge / 4 + 1)), SharedMemory.Allocate<AttentionQuad>(TTile.Chunk * (TTile.Edge / 4 + 1)),
        SharedMemory.Allocate<AttentionQuad>(TTile.Edge * (TTile.Edge / 4 + 1)));

    /// <summary>The products of the rows of a from <paramref name="firstA"/> on with those of b: element (i, j) is a[firstA + i] . b[firstB + j].</summary>
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
            for (int d = 0; d < TTile.Chunk; d++) sums.AddOuter(left[d * Line + Group.IdxY], right[d * Line + Group.IdxX]);
        }

        return sums;
    }

    /// <summary>sums + weights b: element (i, j) grows by the sum over k of weights(i, k) b[first + k, column + j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AttentionPiece Weighed(AttentionPiece sums, AttentionPiece weight, AttentionRows b, int first, int column)
    {
        Group.Barrier();
        int place = 4 * Group.IdxX * Line + Group.IdxY;
        weights[place] = new(weight.A.X, weight.B.X, weight.C.X, weight.D.X);
        weights[place + Line] = new(weight.A.Y, weight.B.Y, weight.C.Y, weight.D.Y);
        weights[place + 2 * Line] = new(weight.A.Z, weight.B.Z, weight.C.Z, weight.D.Z);
        weights[place + 3 * Line] = new(weight.A.W, weight.B.W, weight.C.W, weight.D.W);
        for (int from = 0; from < TTile.Edge; from += TTile.Chunk)
        {
            Group.Barrier();
            Load(b, first + from, column, right);
            Group.Barrier();
            for (int k = 0; k < TTile.Chunk; k++) sums.AddOuter(weights[(from + k) * Line + Group.IdxY], right[k * Line + Group.IdxX]);
        }

        return sums;
    }

    /// <summary>The largest of each row over all lanes that share it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AttentionQuad Largest(AttentionQuad own)
    {
        Share(own);
        for (int i = 0; i < TTile.Edge / 4; i++) own = AttentionQuad.Max(own, left[i * (TTile.Edge / 4) + Group.IdxY]);
        return own;
    }

    /// <summary>The sum of each row over all lanes that share it, in their order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AttentionQuad Total(AttentionQuad own)
    {
        Share(own);
        var total = default(AttentionQuad);
        for (int i = 0; i < TTile.Edge / 4; i++) total += left[i * (TTile.Edge / 4) + Group.IdxY];
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Share(AttentionQuad own)
    {
        Group.Barrier();
        left[Group.IdxX * (TTile.Edge / 4) + Group.IdxY] = own;
        Group.Barrier();
    }

    /// <summary>Elements <paramref name="from"/> to from + Chunk of a tile of rows, turned: to[element][row].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(AttentionRows rows, int first, int from, ArrayView<AttentionQuad> to)
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
    private static void Load(AttentionRows rows, int first, int column, ArrayView<AttentionQuad> to)
    {
        var places = to.Cast<float>();
        for (int i = Lane; i < TTile.Edge * TTile.Chunk; i += LaneCount)
        {
            int row = i / TTile.Edge, d = i - row * TTile.Edge;
            places[row * 4 * Line + d] = rows.Get(first + row, column + d);
        }
    }

    private static int Lane => Group.IdxY * (TTile.Edge / 4) + Group.IdxX;

    private static int LaneCount => TTile.Edge / 4 * (TTile.Edge / 4);
}
