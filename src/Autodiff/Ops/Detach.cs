namespace Mayfly;

/// <summary>Takes a value off the tape.</summary>
public static class DetachOp
{
    /// <summary>
    /// The same values with no way back for gradients. A view, except of a weight: that is copied, because a weight may be stepped in place before the
    /// sweep has passed every reader of its detached value.
    /// </summary>
    public static Tensor Detach(this Tensor x)
    {
        var call = Op.Begin("Detach", x);
        if (x.Storage.Use != Use.Weight) return x.ViewAs(call.Name);
        var y = call.New(x.Shape, x.Type);
        call.Backend.Copy(x.Read(call.Name), y.Write(call.Name));
        return y;
    }
}
