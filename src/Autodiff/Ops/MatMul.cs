namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// The matrix product a b, batched: (..., M, K) x (..., K, N) -> (..., M, N). The leading axes broadcast. Transposed views are
    /// multiplied in place, without a copy.
    /// </summary>
    /// <remarks>Backward: da = dy b^T, db = a^T dy, summed where an input was repeated.</remarks>
    /// <exception cref="ArgumentException">The inner sizes differ, or the leading axes do not broadcast.</exception>
    public static Tensor MatMul(this Tensor a, Tensor b)
    {
        var call = Op.Begin("MatMul", a, b);
        call.CheckNumbers(a, b);
        if (a.Rank < 2 || b.Rank < 2)
            throw call.Error($"{a.Shape} x {b.Shape}: both need two axes or more; reshape a vector to a matrix of one row or column.");
        if (a.Shape[-1] != b.Shape[-2])
            throw call.Error($"{a.Shape} x {b.Shape}: inner sizes {a.Shape[-1]} and {b.Shape[-2]} differ; transpose the second operand?");
        var lead = Layout.Broadcast(a.Shape.Take(a.Rank - 2), b.Shape.Take(b.Rank - 2))
            ?? throw call.Error($"{a.Shape} x {b.Shape}: the leading axes do not broadcast.");
        var y = call.New(lead.Append(a.Shape[-2]).Append(b.Shape[-1]));
        Product.Multiply("MatMul", call.Device, call.Read(a), call.Read(b), call.Write(y), add: false);
        return call.Records ? call.Push(y, new MatMulNode(call.Save(a), call.Save(b))) : y;
    }

    private sealed class MatMulNode(Saved a, Saved b) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            Tensor left = Get(a), right = Get(b);
            var dy = Read(sweep.Dy);
            if (sweep.Needs(0)) Side(sweep, 0, left, dy, Read(right).Transposed());
            if (sweep.Needs(1)) Side(sweep, 1, right, Read(left).Transposed(), dy);
        }

        private void Side(Sweep sweep, int i, Tensor input, in View x, in View z)
        {
            var lead = Layout.Broadcast(x.Shape.Take(x.Shape.Rank - 2), z.Shape.Take(z.Shape.Rank - 2))!.Value;
            var wide = lead.Append(x.Shape[-2]).Append(z.Shape[-1]);
            if (wide == input.Shape)
            {
                var target = sweep.Target(i);
                Product.Multiply(Name, input.Device, x, z, Write(target), target.Add);
                return;
            }

            using var repeated = sweep.Scratch(wide);
            Product.Multiply(Name, input.Device, x, z, Write(repeated), add: false);
            sweep.SumTo(i, repeated);
        }
    }
}

/// <summary>A batched product of strided views on the backend's GEMM.</summary>
internal static class Product
{
    /// <summary>y = x z, or y += x z; x and z have y's leading axes or broadcast to them. y is dense.</summary>
    public static void Multiply(string name, Device device, in View x, in View z, in View y, bool add)
    {
        var lead = y.Shape.Take(y.Shape.Rank - 2);
        using var scope = device.Scope(name);
        View a = Batched(name, device, x, lead), b = Batched(name, device, z, lead);
        var c = y.With(y.Layout.TryReshape((lead.Count, y.Shape[-2], y.Shape[-1]))!.Value);
        if (b.Layout.Strides[0] == 0 && a.Layout.TryReshape((a.Shape[0] * a.Shape[1], a.Shape[2])) is { } rows)
        {
            a = a.With(rows);
            b = b.With(new Layout(b.Shape.Skip(1), b.Layout.Strides.Skip(1), b.Layout.Offset));
            c = c.With(c.Layout.TryReshape((c.Shape[0] * c.Shape[1], c.Shape[2]))!.Value);
        }

        device.Backend.Run(new Gemm<Identity> { A = a, B = b, C = c, Beta = add ? 1f : 0f });
    }

    /// <summary>
    /// The operand as (batch, rows, columns) with one dense matrix axis: a view where the strides allow it, else a dense copy.
    /// </summary>
    private static View Batched(string name, Device device, in View x, Shape lead)
    {
        var full = lead.Append(x.Shape[-2]).Append(x.Shape[-1]);
        var wide = x.To(full);
        bool dense = x.Layout.Strides[-1] == 1 || x.Layout.Strides[-2] == 1 || x.Shape[-1] == 1 || x.Shape[-2] == 1;
        if (dense && Leading(wide.Layout, lead) is { } view) return x.With(view);
        var copy = Tensor.Empty(device, full, device.Float, Use.Scratch, name);
        device.Backend.Copy(wide, copy.Write(name));
        return copy.Read(name).With(copy.Layout.TryReshape((lead.Count, full[-2], full[-1]))!.Value);
    }

    private static Layout? Leading(Layout layout, Shape lead)
    {
        int rank = layout.Shape.Rank;
        var batch = new Layout(lead, layout.Strides.Take(lead.Rank), layout.Offset).TryReshape(lead.Count);
        if (batch is null) return null;
        return new Layout((lead.Count, layout.Shape[rank - 2], layout.Shape[rank - 1]),
            (lead.Count == 1 ? 0 : batch.Value.Strides[0], layout.Strides[rank - 2], layout.Strides[rank - 1]), layout.Offset);
    }
}
