namespace Mayfly;

/// <summary>A number that is remembered from step to step, and that a device may change without the host hearing of it.</summary>
/// <param name="value">What it starts with.</param>
public sealed class KeptNumber(double value) : IDisposable
{
    private double value = value;
    private GpuNumbers? cells;
    private int cell;

    /// <summary>The number, to read and to change; waits where a device has it.</summary>
    public ref double Value
    {
        get
        {
            if (cells is not null) value = cells.ReadCell(cell);
            Dispose();
            return ref value;
        }
    }

    /// <summary>Its cell on a device, to which it is written where it is not there.</summary>
    internal int On(GpuNumbers device)
    {
        if (cells == device) return cell;
        double now = Value;
        (cells, cell) = (device, device.Take());
        device.Write(cell, now);
        return cell;
    }

    /// <summary>Gives the device's cell back; a value that the host has stays.</summary>
    public void Dispose()
    {
        cells?.Give(cell);
        cells = null;
    }
}
