using System.Buffers;
using System.Runtime.InteropServices;

namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>Rows of a table by id, y[i] = table[ids[i]]: table (V, C), ids I32 (...) -> (..., C).</summary>
    /// <remarks>Backward: dtable is zero but for each dy[i], which is added to row ids[i].</remarks>
    /// <exception cref="ArgumentException">ids are not I32, or the table is not a matrix.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside [0, V).</exception>
    public static Tensor Embedding(this Tensor table, Tensor ids)
    {
        var call = Op.Begin("Embedding", table, ids);
        call.CheckNumbers(table);
        if (table.Rank != 2) throw call.Error($"the table has shape {table.Shape}; it must be (vocabulary, width).");
        Ids.Check(call, ids, table.Shape[0], ignore: null);
        Tensor dense = call.Dense(ids), rows = call.Dense(table);
        var y = call.New(ids.Shape.Append(table.Shape[1]));
        call.Backend.Run(new Gather(call.Read(rows), call.Read(dense), call.Write(y)));
        return call.Records ? call.Push(y, new EmbeddingNode(call.Save(dense))) : y;
    }

    private sealed class EmbeddingNode(Saved ids) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.Target(0);
            if (!target.Add) sweep.Backend.Fill(Write(target), 0);
            sweep.Backend.Run(new ScatterAdd(Read(sweep.Dy), Read(ids), Write(target)));
        }
    }
}

/// <summary>Checks of id tensors.</summary>
internal static class Ids
{
    /// <summary>Checks that each id is in [0, limit) or is <paramref name="ignore"/>.</summary>
    /// <returns>The number of ids that are not ignored.</returns>
    public static long Check(Op call, Tensor ids, long limit, int? ignore)
    {
        if (ids.Type != DType.I32) throw call.Error($"ids {ids.Shape} of {ids.Type}; they must be I32.");
        int count = checked((int)ids.Count);
        int[] values = ArrayPool<int>.Shared.Rent(count);
        try
        {
            ids.CopyTo(values.AsSpan(0, count));
            return Count(call, values.AsSpan(0, count), ids.Shape, limit, ignore);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(values);
        }
    }

    private static long Count(Op call, ReadOnlySpan<int> values, Shape shape, long limit, int? ignore)
    {
        long counted = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] == ignore) continue;
            if (values[i] < 0 || values[i] >= limit)
                throw new ArgumentOutOfRangeException(
                    nameof(values), $"{call.Name}: id {values[i]} at element {i} of {shape} is outside [0, {limit}).");
            counted++;
        }

        return counted;
    }
}
