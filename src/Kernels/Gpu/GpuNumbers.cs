using ILGPU;
using ILGPU.Runtime;

namespace Mayfly;

/// <summary>
/// The cells of a device in which its numbers are: one for the first fault, some that are kept from step to step, and a ring of those that
/// are not. One stream works on them, in the order of the calls, so that a cell is free for another number once its own is used.
/// </summary>
internal sealed class GpuNumbers(GpuBackend device, Accelerator accelerator) : IDisposable
{
    private const int Kept = 1 << 15, Ring = 1 << 16;
    private readonly Stack<int> free = [];
    private readonly Dictionary<string, int> numbers = [];
    private readonly List<string> faults = [];
    private MemoryBuffer1D<double, Stride1D.Dense>? cells;
    private int kept = 1;
    private long made;
    private bool mayHaveFault;

    /// <summary>All cells.</summary>
    public ArrayView<double> All
    {
        get
        {
            if (cells is not null) return cells.View;
            cells = accelerator.Allocate1D<double>(Kept + Ring);
            cells.MemSetToZero(accelerator.DefaultStream);
            return cells.View;
        }
    }

    /// <summary>Tickets of cells side by side; the first of them.</summary>
    public long New(int count)
    {
        if (count > Ring) throw new NotSupportedException($"{device.Name} keeps {Ring:N0} numbers at a time, not {count:N0}.");
        long room = Ring - made % Ring;
        if (room < count) made += room;
        made += count;
        return made - count;
    }

    /// <summary>The place of a ticket's cell.</summary>
    public int Place(long ticket) => made - ticket <= Ring
        ? Kept + (int)(ticket % Ring)
        : throw new InvalidOperationException($"{device.Name} has forgotten a number since it made it; use it sooner.");

    /// <summary>The value of a ticket's cell.</summary>
    public double Read(long ticket) => ReadCell(Place(ticket));

    /// <summary>The value of a cell.</summary>
    public double ReadCell(int cell)
    {
        double value = 0;
        device.ReadBack(All.SubView(cell, 1), new Span<double>(ref value));
        return value;
    }

    /// <summary>Sets a kept cell.</summary>
    public void Write(int cell, double value) => device.Send(All.SubView(cell, 1), value);

    /// <summary>A cell to keep.</summary>
    public int Take()
    {
        if (free.TryPop(out int cell)) return cell;
        if (kept == Kept) throw new NotSupportedException($"{device.Name} keeps at most {Kept - 1:N0} numbers from step to step.");
        return kept++;
    }

    /// <summary>Gives a kept cell back.</summary>
    public void Give(int cell) => free.Push(cell);

    /// <summary>The number of what to say of a fault, 0 for nothing.</summary>
    public int NumberOf(string? fault)
    {
        if (fault is null) return 0;
        mayHaveFault = true;
        if (numbers.TryGetValue(fault, out int number)) return number;
        faults.Add(fault);
        return numbers[fault] = faults.Count;
    }

    /// <summary>The first fault since the last call.</summary>
    public string? TakeFault()
    {
        if (!mayHaveFault) return null;
        mayHaveFault = false;
        int number = (int)ReadCell(0);
        if (number == 0) return null;
        Write(0, 0);
        return faults[number - 1];
    }

    /// <inheritdoc/>
    public void Dispose() => cells?.Dispose();
}
