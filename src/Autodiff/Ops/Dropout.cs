namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// Dropout (Srivastava et al. 2014): each element zero with probability <paramref name="rate"/>, else divided by 1 - rate. A rate of
    /// zero returns x.
    /// </summary>
    /// <remarks>Backward: dx = dropout of dy, with the same numbers drawn again from the call's key.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The rate is not in [0, 1).</exception>
    /// <exception cref="InvalidOperationException">No tape is recording, so there is no key.</exception>
    public static Tensor Dropout(this Tensor x, float rate)
    {
        if (!(rate >= 0f && rate < 1f))
            throw new ArgumentOutOfRangeException(
                nameof(rate), $"Dropout: the rate is {rate}; give a number from 0 up to, but not including, 1.");
        if (rate == 0f) return x;
        var call = Op.Begin("Dropout", x);
        call.CheckFloat(x);
        var key = call.NextKey();
        var y = call.New(x.Shape);
        var source = x.Layout.IsContiguous ? call.Read(x) : CopyInto(call, x, y);
        call.Backend.Run(new Dropout(source, call.Write(y), rate, key));
        return call.Records ? call.Push(y, new DropoutNode(rate, key)) : y;
    }

    private static View CopyInto(Op call, Tensor x, Tensor y)
    {
        call.Backend.Copy(call.Read(x), call.Write(y));
        return call.Read(y);
    }

    private sealed class DropoutNode(float rate, RandomKey key) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.TargetOverDy(0);
            sweep.Backend.Run(new Dropout(Read(sweep.Dy), Write(target), rate, key, target.Add));
        }
    }
}
