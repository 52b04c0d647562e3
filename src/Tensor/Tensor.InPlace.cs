namespace Mayfly;

public sealed partial class Tensor
{
    /// <summary>
    /// Steps this tensor in place by a fused formula: each element with its gradient and up to two state values. The heart of an optimizer
    /// rule. All tensors are dense and of one count.
    /// </summary>
    /// <exception cref="ArgumentException">The counts differ.</exception>
    public void Step<TOp>(TOp op, Tensor gradient, Tensor? state0 = null, Tensor? state1 = null) where TOp : unmanaged, IUpdate<TOp>
    {
        storage.Settle();
        CheckFits(gradient);
        if (state0 is not null) CheckFits(state0);
        if (state1 is not null) CheckFits(state1);
        Device.Backend.Update(op, gradient.Read("Step"), Write("Step"), state0?.Write("Step") ?? default, state1?.Write("Step") ?? default);
    }

    /// <summary>The same by a formula of which the device may have two numbers: it is not waited for.</summary>
    /// <exception cref="ArgumentException">The counts differ.</exception>
    public void Step<TOp>(TOp op, Number a, Number b, Tensor gradient, Tensor? state0 = null, Tensor? state1 = null)
        where TOp : unmanaged, IUpdate<TOp>, INumbered<TOp>
    {
        storage.Settle();
        CheckFits(gradient);
        if (state0 is not null) CheckFits(state0);
        if (state1 is not null) CheckFits(state1);
        Device.Backend.Update(
            op, a, b, gradient.Read("Step"), Write("Step"), state0?.Write("Step") ?? default, state1?.Write("Step") ?? default);
    }

    /// <summary>Replaces each element by a formula of it, in place. A tape that saved the old values notices.</summary>
    public void MapInPlace<TOp>(TOp op) where TOp : unmanaged, IMap1<TOp>
    {
        storage.Settle();
        var x = Write("MapInPlace");
        Device.Backend.Map(op, x, x);
    }

    /// <summary>Adds another tensor of the same shape in place.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public void AddInPlace(Tensor other)
    {
        if (other.Shape != Shape) throw new ArgumentException($"AddInPlace: {Shape} += {other.Shape}: the shapes differ.");
        storage.Settle();
        Device.Backend.Copy(other.Read("AddInPlace"), Write("AddInPlace"), add: true);
    }

    /// <summary>Sets every element in place.</summary>
    public void Fill(double value)
    {
        storage.Settle();
        Device.Backend.Fill(Write("Fill"), value);
    }

    /// <summary>
    /// The sum of squares in double precision, in a fixed order: infinite or NaN exactly where an element is (or the sum overflows a
    /// double).
    /// </summary>
    public double SumSquares()
    {
        storage.Settle();
        return Device.Backend.SumSquares(Read("SumSquares"));
    }

    /// <summary><see cref="SumSquares"/> as a number of the device, which is not waited for.</summary>
    public Number Squares()
    {
        storage.Settle();
        return Device.Backend.Squares(Read("SumSquares"));
    }

    private void CheckFits(Tensor other)
    {
        if (other.Count != Count || !other.Layout.IsContiguous || !Layout.IsContiguous)
            throw new ArgumentException($"Step: {other.Shape} does not fit {Shape}; gradients and states are dense and of the "
                + "parameter's count.");
    }
}
