using System.Buffers;
using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>Rows of a table by id: y[i] = table[ids[i]]; backward adds each dy[i] to its row.</summary>
public static class EmbeddingOp
{
    /// <summary>table (V, C), ids I32 (...) -> (..., C).</summary>
    /// <exception cref="ArgumentException">ids are not I32, or the table is not a matrix.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside [0, V).</exception>
    public static Tensor Embedding(this Tensor table, Tensor ids)
    {
        var op = Op.Begin("Embedding", table, ids);
        op.CheckFloat(table);
        if (table.Rank != 2) throw op.Error($"the table has shape {table.Shape}; it must be (vocabulary, width).");
        Ids.Check("Embedding", ids, table.Shape[0], ignore: null);
        Tensor dense = ids.Dense("Embedding"), rows = table.Dense("Embedding");
        var y = op.New(ids.Shape.Append(table.Shape[1]));
        op.Backend.Run(new Gather(rows.Read("Embedding"), dense.Read("Embedding"), y.Write("Embedding")));
        return op.Records ? op.Push(y, new EmbeddingNode(op.Save(dense))) : y;
    }

    private sealed class EmbeddingNode(Saved ids) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.Target(0);
            if (!target.Add) sweep.Backend.Fill(target.View(Op), 0);
            sweep.Backend.Run(new ScatterAdd(sweep.Dy.Read(Op), ids.Get(Op).Read(Op), target.View(Op)));
        }

        protected internal override void Release() => ids.Release();
    }
}

/// <summary>Checks of id tensors.</summary>
internal static class Ids
{
    /// <summary>Checks that each id is in [0, limit) or is <paramref name="ignore"/>.</summary>
    /// <returns>The number of ids that are not ignored.</returns>
    public static long Check(string op, Tensor ids, long limit, int? ignore)
    {
        if (ids.Type != DType.I32) throw new ArgumentException($"{op}: ids {ids.Shape} of {ids.Type}; they must be I32.");
        int count = checked((int)ids.Count);
        int[] values = ArrayPool<int>.Shared.Rent(count);
        try
        {
            ids.CopyTo(values.AsSpan(0, count));
            return Count(op, values.AsSpan(0, count), ids.Shape, limit, ignore);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(values);
        }
    }

    private static long Count(string op, ReadOnlySpan<int> values, Shape shape, long limit, int? ignore)
    {
        long counted = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] == ignore) continue;
            if (values[i] < 0 || values[i] >= limit)
                throw new ArgumentOutOfRangeException(nameof(values), $"{op}: id {values[i]} at element {i} of {shape} is outside [0, {limit}).");
            counted++;
        }

        return counted;
    }
}
