namespace Mayfly;

// Numbers that stay where they are computed. Where calls wait for their work, they are known at once.
public abstract partial class Backend
{
    /// <summary>The sum of squares, as <see cref="SumSquares(in View)"/>, without waiting for it.</summary>
    public virtual Number Squares(in View x) => SumSquares(x);

    /// <summary><see cref="Squares(in View)"/> of each view.</summary>
    public virtual void Squares(ReadOnlySpan<View> views, Span<Number> sums)
    {
        var known = new double[views.Length];
        SumSquares(views, known);
        for (int i = 0; i < known.Length; i++) sums[i] = known[i];
    }

    /// <summary>A number made of others.</summary>
    /// <param name="op">The formula.</param>
    /// <param name="a">Its first number.</param>
    /// <param name="b">Its second number.</param>
    /// <param name="kept">What it remembers; null for nothing.</param>
    /// <param name="fault">
    /// What to say where the result is infinite or NaN and nobody waits for it: <see cref="TakeFault"/> gives it later. Null says nothing.
    /// </param>
    public virtual Number Compute<TOp>(TOp op, Number a, Number b = default, KeptNumber? kept = null, string? fault = null)
        where TOp : unmanaged, IScalar<TOp>
    {
        double none = 0;
        return kept is null ? op.Of(a.Value, b.Value, ref none) : op.Of(a.Value, b.Value, ref kept.Value);
    }

    /// <summary>The sum of numbers, in their order where they are known.</summary>
    public virtual Number Sum(ReadOnlySpan<Number> numbers)
    {
        double sum = 0;
        foreach (var number in numbers) sum += number.Value;
        return sum;
    }

    /// <summary>The values of numbers, waiting for the device once.</summary>
    public virtual void Read(ReadOnlySpan<Number> numbers, Span<double> values)
    {
        for (int i = 0; i < numbers.Length; i++) values[i] = numbers[i].Value;
    }

    /// <summary>
    /// What was wrong with a number that nobody has waited for, the first since the last call; null where nothing was. Waits for the device
    /// where there is something to look for.
    /// </summary>
    public virtual string? TakeFault() => null;

    /// <summary><see cref="Update{TOp}(TOp, in View, in View, in View, in View)"/> with two numbers that the device may have.</summary>
    public virtual void Update<TOp>(TOp op, Number a, Number b, in View g, in View p, in View s0, in View s1)
        where TOp : unmanaged, IUpdate<TOp>, INumbered<TOp> => Update(op.With(a.Value, b.Value), g, p, s0, s1);

    /// <summary><see cref="Row{TOp}(TOp, in RowArgs)"/> with two numbers that the device may have.</summary>
    public virtual void Row<TOp>(TOp op, Number a, Number b, in RowArgs args)
        where TOp : unmanaged, IRow<TOp>, INumbered<TOp> => Row(op.With(a.Value, b.Value), args);
}
