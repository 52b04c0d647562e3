using ILGPU;

namespace Mayfly;

// Element-wise steps wait until something else is asked of the device, and go out several in one launch: rules step many small operands.
public sealed partial class GpuBackend
{
    private readonly HashSet<Block> waitingReads = [], waitingWrites = [];
    private IWaiting? waiting;

    private interface IWaiting
    {
        void Launch(GpuBackend device);
    }

    /// <inheritdoc/>
    public override void Update<TOp>(TOp op, in View g, in View p, in View s0, in View s1)
    {
        if (View.HasStored([g, p, s0, s1])) UpdateStored(op, g, p, s0, s1);
        else if (p.Count > 0) Wait(op, g, p, s0, s1);
    }

    private void Wait<TOp>(TOp op, in View g, in View p, in View s0, in View s1) where TOp : unmanaged, IUpdate<TOp>
    {
        var item = new UpdateItem<TOp>(op, Floats(g), Floats(p), Floats(s0), Floats(s1));
        lock (Gate)
        {
            bool needsWaiting = Changes(g) || Touches(p) || Touches(s0) || Touches(s1);
            if (waiting is not Waiting<TOp> { IsFull: false } || needsWaiting) LaunchWaiting();
            var steps = (Waiting<TOp>)(waiting ??= new Waiting<TOp>());
            steps.Add(this, item);
            waitingReads.Add(g.Block!);
            foreach (var view in (ReadOnlySpan<View>)[p, s0, s1])
                if (view.Block is { } block) waitingWrites.Add(block);
        }
    }

    /// <summary>True where a step that waits writes there.</summary>
    private bool Changes(in View view) => view.Block is { } block && waitingWrites.Contains(block);

    /// <summary>True where one writes or reads there.</summary>
    private bool Touches(in View view) => Changes(view) || (view.Block is { } block && waitingReads.Contains(block));

    /// <summary>Launches the steps that wait. Only under the gate.</summary>
    private void LaunchWaiting()
    {
        if (waiting is not { } steps) return;
        waiting = null;
        waitingReads.Clear();
        waitingWrites.Clear();
        steps.Launch(this);
    }

    private sealed class Waiting<TOp> : IWaiting where TOp : unmanaged, IUpdate<TOp>
    {
        private Eight<UpdateItem<TOp>> items = default;
        private int count, longest;

        public bool IsFull => count == Eight<UpdateItem<TOp>>.Room;

        public void Add(GpuBackend device, UpdateItem<TOp> item)
        {
            if (count == 0) device.Compile<Eight<UpdateItem<TOp>>>(UpdateKernels.Update);
            items[count++] = item;
            longest = Math.Max(longest, item.Count);
        }

        public void Launch(GpuBackend device) => device.Launch(UpdateKernels.Update, device.Lines(longest, count), items);
    }
}
