using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace Mayfly;

// Numbers that stay on the device: sums of squares, what is made of them, and steps that use it.
public sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override Number Squares(in View x)
    {
        Number sum = default;
        Squares(new ReadOnlySpan<View>(in x), new Span<Number>(ref sum));
        return sum;
    }

    /// <inheritdoc/>
    public override void Squares(ReadOnlySpan<View> views, Span<Number> sums)
    {
        if (View.HasStored(views))
        {
            base.Squares(views, sums);
            return;
        }

        if (views.Length == 0) return;
        lock (Gate)
        {
            long first = numbers.New(views.Length);
            SumSquares(views, numbers.All.SubView(numbers.Place(first), views.Length));
            for (int i = 0; i < views.Length; i++) sums[i] = new Number(numbers, first + i);
        }
    }

    /// <inheritdoc/>
    public override Number Compute<TOp>(TOp op, Number a, Number b = default, KeptNumber? kept = null, string? fault = null)
    {
        lock (Gate)
        {
            int place = kept?.On(numbers) ?? 0;
            long result = numbers.New(1);
            var call = new NumberCall(new(a), new(b), place, numbers.Place(result), numbers.NumberOf(fault));
            Launch(NumberKernels.Compute, (1, 1), op, call, numbers.All);
            return new Number(numbers, result);
        }
    }

    /// <summary>Adds numbers whose cells lie side by side in one launch, and others one by one.</summary>
    public override Number Sum(ReadOnlySpan<Number> numbers)
    {
        if (numbers.Length == 0) return 0;
        lock (Gate)
        {
            int first = int.MaxValue, last = -1;
            foreach (var number in numbers)
            {
                if (number.IsKnown || number.Factor != 1) return SumOneByOne(numbers);
                first = Math.Min(first, number.Cell);
                last = Math.Max(last, number.Cell);
            }

            if (last - first + 1 != numbers.Length) return SumOneByOne(numbers);
            long result = this.numbers.New(1);
            var cells = this.numbers.All;
            Launch(SquaresKernels.Lines, (1, GroupSize), cells.SubView(first, numbers.Length), numbers.Length,
                cells.SubView(this.numbers.Place(result), 1));
            return new Number(this.numbers, result);
        }
    }

    /// <inheritdoc/>
    public override void Read(ReadOnlySpan<Number> numbers, Span<double> values)
    {
        int first = int.MaxValue, last = -1;
        foreach (var number in numbers)
        {
            if (number.IsKnown) continue;
            first = Math.Min(first, number.Cell);
            last = Math.Max(last, number.Cell);
        }

        var cells = new double[Math.Max(0, last - first + 1)];
        if (cells.Length > 0) ReadBack(this.numbers.All.SubView(first, cells.Length), cells);
        for (int i = 0; i < numbers.Length; i++)
            values[i] = numbers[i].IsKnown ? numbers[i].Value : numbers[i].Factor * cells[numbers[i].Cell - first];
    }

    /// <inheritdoc/>
    public override string? TakeFault()
    {
        lock (Gate) return numbers.TakeFault();
    }

    /// <inheritdoc/>
    public override void Update<TOp>(TOp op, Number a, Number b, in View g, in View p, in View s0, in View s1)
    {
        if (View.HasStored([g, p, s0, s1]) || (a.IsKnown && b.IsKnown)) base.Update(op, a, b, g, p, s0, s1);
        else if (p.Count > 0)
            Wait<NumberedSteps<TOp>, NumberedItem<TOp>>(new(Item(op, g, p, s0, s1), new(a), new(b)), g, p, s0, s1);
    }

    /// <inheritdoc/>
    public override void Row<TOp>(TOp op, Number a, Number b, in RowArgs args)
    {
        if (args.X.Count == 0) return;
        if (args.X.IsStored || args.Dy.IsStored || args.Y.IsStored || (a.IsKnown && b.IsKnown))
        {
            base.Row(op, a, b, args);
            return;
        }

        var rows = Rows(args);
        Launch(RowKernels.Numbered, GroupsOfRows(rows.Count, rows.Width), op, rows, new NumberPlace(a), new NumberPlace(b), numbers.All);
    }

    /// <summary>Waits for numbers.</summary>
    internal unsafe void ReadBack(ArrayView<double> source, Span<double> values)
    {
        Meter.Waits++;
        Meter.ReadBytes += source.LengthInBytes;
        fixed (double* to = values)
        {
            nint at = (nint)to;
            Guarded(() =>
            {
                source.CopyToCPU(stream, ref *(double*)at, source.Length);
                staging.Settle();
            });
        }
    }

    /// <summary>Sends a number without waiting.</summary>
    internal void Send(ArrayView<double> cell, double value)
    {
        Meter.WrittenBytes += sizeof(double);
        Guarded(() => staging.TryWrite(cell.Cast<byte>(), MemoryMarshal.AsBytes(new ReadOnlySpan<double>(in value))));
    }

    private Number SumOneByOne(ReadOnlySpan<Number> numbers)
    {
        Number sum = 0;
        foreach (var number in numbers) sum = Compute(default(NumberSum), sum, number);
        return sum;
    }
}

/// <summary>a + b.</summary>
internal readonly struct NumberSum : IScalar<NumberSum>
{
    /// <summary>A kernel takes no empty argument.</summary>
    public readonly int Unused;

    /// <inheritdoc/>
    public double Of(double a, double b, ref double kept) => a + b;
}
