using System.Diagnostics;

namespace Mayfly.Benches;

/// <summary>One call of a kernel: what it must move and compute, and how long it took.</summary>
internal readonly record struct MeteredCall(KernelCost Cost, double Seconds);

/// <summary>Another backend, with a record of each call's cost and time. The device's own times count only where calls wait.</summary>
internal sealed class CountingBackend(Backend inner) : Backend
{
    /// <summary>The calls since the last <see cref="List{T}.Clear"/>, in order. Calls of one thread only.</summary>
    public List<MeteredCall> Calls { get; } = [];

    /// <summary>What each of them must move and compute.</summary>
    public IEnumerable<KernelCost> Costs => Calls.Select(call => call.Cost);

    /// <summary>Runs before each call; it may throw.</summary>
    public Action? Calling { get; set; }

    public override string Name => inner.Name;

    public override DType Float => inner.Float;

    public override bool IsAsynchronous => inner.IsAsynchronous;

    public override bool IsDry => inner.IsDry;

    public override Block Allocate(long bytes) => inner.Allocate(bytes);

    public override Block Part(Block whole, long first, long bytes) => inner.Part(whole, first, bytes);

    public override void Free(Block block) => inner.Free(block);

    public override void Synchronize() => inner.Synchronize();

    public override void Dispose() => inner.Dispose();

    public override void Write(in View y, ReadOnlySpan<byte> data)
    {
        using var meter = Start(new("Write", data.Length));
        inner.Write(y, data);
    }

    public override void Read(in View x, Span<byte> data)
    {
        using var meter = Start(new("Read", data.Length));
        inner.Read(x, data);
    }

    public override void Fill(in View y, double value)
    {
        using var meter = Start(new KernelCost("Fill").Writes(y));
        inner.Fill(y, value);
    }

    public override void Copy(in View x, in View y, bool add = false)
    {
        using var meter = Start(new KernelCost("Copy").Reads(x).Writes(y, add));
        inner.Copy(x, y, add);
    }

    public override void Map<TOp>(TOp op, in View x, in View y)
    {
        using var meter = Start(Cost<TOp>("Map").Reads(x).Writes(y));
        inner.Map(op, x, y);
    }

    public override void MapBack<TOp>(TOp op, in View x, in View dy, in View dx, bool add)
    {
        using var meter = Start(Cost<TOp>("MapBack").Reads(x, dy).Writes(dx, add));
        inner.MapBack(op, x, dy, dx, add);
    }

    public override void Map2<TOp>(TOp op, in View a, in View b, in View y)
    {
        using var meter = Start(Cost<TOp>("Map2").Reads(a, b).Writes(y));
        inner.Map2(op, a, b, y);
    }

    public override void Map2Back<TOp>(TOp op, in View a, in View b, in View dy, in View da, bool addA, in View db, bool addB)
    {
        using var meter = Start(Cost<TOp>("Map2Back").Reads(a, b, dy).Writes(da, addA).Writes(db, addB));
        inner.Map2Back(op, a, b, dy, da, addA, db, addB);
    }

    public override void Map3<TOp>(TOp op, in View a, in View b, in View c, in View y)
    {
        using var meter = Start(Cost<TOp>("Map3").Reads(a, b, c).Writes(y));
        inner.Map3(op, a, b, c, y);
    }

    public override void Update<TOp>(TOp op, in View g, in View p, in View s0, in View s1)
    {
        using var meter = Start(Cost<TOp>("Update").Reads(g).Writes(p, add: true).Writes(s0, add: true).Writes(s1, add: true));
        inner.Update(op, g, p, s0, s1);
    }

    public override void Fold<TOp>(TOp op, in View x, in View y, bool add)
    {
        using var meter = Start(Cost<TOp>("Fold").Reads(x).Writes(y, add));
        inner.Fold(op, x, y, add);
    }

    public override void Row<TOp>(TOp op, in RowArgs args)
    {
        using var meter = Start(Cost<TOp>("Row").Reads(args.X, args.Dy, args.Gain, args.Bias, args.Stats).Writes(args.Y, args.Add));
        inner.Row(op, args);
    }

    public override void Column<TOp>(TOp op, in RowArgs args, in View sumA, bool addA, in View sumB, bool addB)
    {
        using var meter = Start(
            Cost<TOp>("Column").Reads(args.X, args.Dy, args.Gain, args.Bias, args.Stats).Writes(sumA, addA).Writes(sumB, addB));
        inner.Column(op, args, sumA, addA, sumB, addB);
    }

    public override double SumSquares(in View x)
    {
        using var meter = Start(CostOfSquares([x]));
        return inner.SumSquares(x);
    }

    public override void SumSquares(ReadOnlySpan<View> views, Span<double> sums)
    {
        using var meter = Start(CostOfSquares(views));
        inner.SumSquares(views, sums);
    }

    public override Number Squares(in View x)
    {
        using var meter = Start(CostOfSquares([x]));
        return inner.Squares(x);
    }

    public override void Squares(ReadOnlySpan<View> views, Span<Number> sums)
    {
        using var meter = Start(CostOfSquares(views));
        inner.Squares(views, sums);
    }

    private static KernelCost CostOfSquares(ReadOnlySpan<View> views)
    {
        var cost = new KernelCost("SumSquares");
        foreach (var view in views) cost = cost.Reads(view);
        return cost;
    }

    public override Number Compute<TOp>(TOp op, Number a, Number b = default, KeptNumber? kept = null, string? fault = null)
    {
        using var meter = Start(Cost<TOp>("Compute"));
        return inner.Compute(op, a, b, kept, fault);
    }

    public override Number Sum(ReadOnlySpan<Number> numbers)
    {
        using var meter = Start(new KernelCost("Sum"));
        return inner.Sum(numbers);
    }

    public override void Read(ReadOnlySpan<Number> numbers, Span<double> values)
    {
        using var meter = Start(new("Read", sizeof(double) * values.Length));
        inner.Read(numbers, values);
    }

    public override string? TakeFault() => inner.TakeFault();

    public override void Update<TOp>(TOp op, Number a, Number b, in View g, in View p, in View s0, in View s1)
    {
        using var meter = Start(Cost<TOp>("Update").Reads(g).Writes(p, add: true).Writes(s0, add: true).Writes(s1, add: true));
        inner.Update(op, a, b, g, p, s0, s1);
    }

    public override void Row<TOp>(TOp op, Number a, Number b, in RowArgs args)
    {
        using var meter = Start(Cost<TOp>("Row").Reads(args.X, args.Dy, args.Gain, args.Bias, args.Stats).Writes(args.Y, args.Add));
        inner.Row(op, a, b, args);
    }

    public override void Run<TKernel>(in TKernel kernel)
    {
        using var meter = Start(kernel.Cost);
        inner.Run(kernel);
    }

    private static KernelCost Cost<TOp>(string shape) => new($"{shape} {typeof(TOp).Name}");

    private Meter Start(KernelCost cost)
    {
        Calling?.Invoke();
        return new(this, cost, Stopwatch.GetTimestamp());
    }

    /// <summary>Notes the call when it is over.</summary>
    private readonly ref struct Meter(CountingBackend backend, KernelCost cost, long start)
    {
        public void Dispose() => backend.Calls.Add(new(cost, Stopwatch.GetElapsedTime(start).TotalSeconds));
    }
}
