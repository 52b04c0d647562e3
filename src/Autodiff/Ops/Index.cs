using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The indexer of tensors, with a record.</summary>
internal static class IndexOp
{
#pragma warning disable CA2255 // the tensor layer cannot name this one; without this layer there is no tape that could record
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Install() => Tensor.TakePart = Take;

    private static Tensor Take(Tensor x, ReadOnlySpan<TensorIndex> places)
    {
        var call = Op.Begin("Index", x);
        var y = x.ViewAs(TensorIndex.Of(x.Layout, places), call.Name);
        return call.Records ? call.Push(y, new IndexNode([.. places])) : y;
    }

    private sealed class IndexNode(TensorIndex[] places) : Node
    {
        protected internal override bool TakesAnyStrides => true;

        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.Target(0);
            var whole = Write(target);
            if (!target.Add) sweep.Backend.Fill(whole, 0);
            sweep.Backend.Copy(Read(sweep.Dy), whole.With(TensorIndex.Of(whole.Layout, places)), target.Add);
        }
    }
}
