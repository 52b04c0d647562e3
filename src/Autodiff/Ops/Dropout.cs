namespace Mayfly;

/// <summary>Dropout (Srivastava et al. 2014). Nothing is saved: backward draws the same numbers again from the call's key.</summary>
public static class DropoutOp
{
    /// <summary>Each element zero with probability <paramref name="rate"/>, else divided by 1 - rate. A rate of zero returns x.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The rate is not in [0, 1).</exception>
    /// <exception cref="InvalidOperationException">No tape is recording, so there is no key.</exception>
    public static Tensor Dropout(this Tensor x, float rate)
    {
        if (!(rate >= 0f && rate < 1f)) throw new ArgumentOutOfRangeException(nameof(rate), $"Dropout: the rate is {rate}; give a number from 0 up to, but not including, 1.");
        if (rate == 0f) return x;
        var call = Op.Begin("Dropout", x);
        call.CheckFloat(x);
        var key = call.NextKey();
        var y = call.New(x.Shape);
        var source = x.Layout.IsContiguous ? x.Read(call.Name) : Dense(call, x, y);
        call.Backend.Run(new Dropout(source, y.Write(call.Name), rate, key));
        return call.Records ? call.Push(y, new DropoutNode(rate, key)) : y;
    }

    private static View Dense(Op call, Tensor x, Tensor y)
    {
        call.Backend.Copy(x.Read(call.Name), y.Write(call.Name));
        return y.Read(call.Name);
    }

    private sealed class DropoutNode(float rate, RandomKey key) : StatelessNode
    {
        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.TargetOverDy(0);
            sweep.Backend.Run(new Dropout(sweep.Dy.Read(Op), target.View(Op), rate, key, target.Add));
        }
    }
}
