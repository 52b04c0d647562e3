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
        else if (p.Count > 0) Wait<Steps<TOp>, UpdateItem<TOp>>(Item(op, g, p, s0, s1), g, p, s0, s1);
    }

    private static UpdateItem<TOp> Item<TOp>(TOp op, in View g, in View p, in View s0, in View s1)
        where TOp : unmanaged, IUpdate<TOp> => new(op, Floats(g), Floats(p), Floats(s0), Floats(s1));

    private void Wait<TSteps, TItem>(TItem item, in View g, in View p, in View s0, in View s1)
        where TSteps : Waiting<TItem>, new() where TItem : struct
    {
        lock (Gate)
        {
            bool needsWaiting = Changes(g) || Touches(p) || Touches(s0) || Touches(s1);
            if (waiting is not TSteps { IsFull: false } || needsWaiting) LaunchWaiting();
            if (waiting is null)
            {
                var steps = new TSteps();
                steps.Compile(this);
                waiting = steps;
            }

            ((TSteps)waiting).Add(item, (int)p.Count);
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

    /// <summary>Steps by one formula.</summary>
    private abstract class Waiting<TItem> : IWaiting where TItem : struct
    {
        private Eight<TItem> items = default;
        private int count, longest;

        public bool IsFull => count == Eight<TItem>.Room;

        public void Add(TItem item, int length)
        {
            items[count++] = item;
            longest = Math.Max(longest, length);
        }

        public abstract void Compile(GpuBackend device);

        public void Launch(GpuBackend device) => Launch(device, device.Lines(longest, count), items);

        protected abstract void Launch(GpuBackend device, KernelConfig lines, Eight<TItem> items);
    }

    private sealed class Steps<TOp> : Waiting<UpdateItem<TOp>> where TOp : unmanaged, IUpdate<TOp>
    {
        public override void Compile(GpuBackend device) => device.Compile<Eight<UpdateItem<TOp>>>(UpdateKernels.Update);

        protected override void Launch(GpuBackend device, KernelConfig lines, Eight<UpdateItem<TOp>> items) =>
            device.Launch(UpdateKernels.Update, lines, items);
    }

    private sealed class NumberedSteps<TOp> : Waiting<NumberedItem<TOp>> where TOp : unmanaged, IUpdate<TOp>, INumbered<TOp>
    {
        public override void Compile(GpuBackend device) =>
            device.Compile<Eight<NumberedItem<TOp>>, ArrayView<double>>(UpdateKernels.Numbered);

        protected override void Launch(GpuBackend device, KernelConfig lines, Eight<NumberedItem<TOp>> items) =>
            device.Launch(UpdateKernels.Numbered, lines, items, device.numbers.All);
    }
}
