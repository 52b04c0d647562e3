using ILGPU;
using Mayfly;

namespace Extending;

/// <summary>
/// The kernel of running totals that leak: y[t] = decay y[t - 1] + x[t] along time, in (B, T, C). An element needs the one before it, so no
/// formula shape fits.
/// </summary>
/// <param name="X">(B, T, C), contiguous.</param>
/// <param name="Y">(B, T, C), contiguous; may be X.</param>
/// <param name="Decay">What is left of the total after a step of time.</param>
/// <param name="Backwards">Runs from the last time to the first: the gradient.</param>
/// <param name="Add">Adds the totals to y.</param>
public readonly record struct LeakyTotal(View X, View Y, float Decay, bool Backwards = false, bool Add = false) : IKernel
{
    public KernelCost Cost => new KernelCost("LeakyTotal").Reads(X).Writes(Y, Add);

    public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
    {
        long time = X.Shape[1], channels = X.Shape[2];
        for (long b = 0; b < X.Shape[0]; b++)
            for (long c = 0; c < channels; c++)
            {
                V total = V.Of(0f);
                for (long t = 0; t < time; t++)
                {
                    long place = (b * time + (Backwards ? time - 1 - t : t)) * channels + c;
                    total = V.Of(Decay) * total + device.Get(X, place);
                    device.Set(Y, place, total, Add);
                }
            }
    }

    public void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        var job = new SequenceJob<L>(this);
        device.Share(ref job, X.Shape[0]);
    }

    public void On(GpuBackend device)
    {
        if (X.Count == 0) return;
        int time = (int)X.Shape[1], channels = (int)X.Shape[2];
        device.Launch(
            LeakyTotalKernel.Run, device.Over(X.Shape[0] * channels), GpuBackend.Floats(X), GpuBackend.Floats(Y), time, channels, Decay,
            Backwards ? 1 : 0, Add ? 1 : 0);
    }

    /// <summary>A chunk is one sequence; neighbouring channels share a vector.</summary>
    private readonly unsafe struct SequenceJob<L>(LeakyTotal call) : IJob where L : struct, ISimd<L>
    {
        public void Run(int chunk)
        {
            long time = call.X.Shape[1], channels = call.X.Shape[2], first = chunk * time * channels, step = channels;
            if (call.Backwards) (first, step) = (first + (time - 1) * channels, -channels);
            for (long c = 0; c < channels; c += L.Count)
                Channels(call.X.Floats() + first + c, call.Y.Floats() + first + c, time, step, (int)Math.Min(L.Count, channels - c));
        }

        private void Channels(float* x, float* y, long time, long step, int count)
        {
            L total = L.Of(0f), decay = L.Of(call.Decay);
            for (long t = 0; t < time; t++, x += step, y += step)
            {
                total = L.Fma(decay, total, L.LoadPart(x, count));
                L.StorePart(y, call.Add ? L.LoadPart(y, count) + total : total, count);
            }
        }
    }
}

/// <summary>A lane follows one channel of one sequence through time.</summary>
public static class LeakyTotalKernel
{
    public static void Run(ArrayView<float> x, ArrayView<float> y, int time, int channels, float decay, int backwards, int add)
    {
        for (int i = Lanes.First; i < x.IntLength / time; i += Lanes.Step)
        {
            int b = i / channels, place = b * time * channels + i - b * channels, step = channels;
            if (backwards != 0)
            {
                place += (time - 1) * channels;
                step = -channels;
            }

            float total = 0f;
            for (int t = 0; t < time; t++, place += step)
            {
                total = decay * total + x[place];
                y[place] = add != 0 ? y[place] + total : total;
            }
        }
    }
}

/// <summary>The differentiable op. Its gradient runs backwards: dx[t] = decay dx[t + 1] + dy[t].</summary>
public static partial class MyOps
{
    /// <summary>y[t] = decay y[t - 1] + x[t], x (B, T, C).</summary>
    /// <exception cref="ArgumentException">x is not of rank 3.</exception>
    public static Tensor LeakyTotal(this Tensor x, float decay)
    {
        var call = Op.Begin("LeakyTotal", x);
        call.CheckFloat(x);
        if (x.Rank != 3) throw call.Error($"x {x.Shape}: expected (B, T, C).");
        var y = call.New(x.Shape);
        call.Backend.Run(new LeakyTotal(call.Read(call.Dense(x)), call.Write(y), decay));
        return call.Records ? call.Push(y, new LeakyTotalNode(decay)) : y;
    }

    private sealed class LeakyTotalNode(float decay) : Node
    {
        protected override void Backward(Sweep sweep)
        {
            var target = sweep.Target(0);
            sweep.Backend.Run(new LeakyTotal(Read(sweep.Dy), Write(target), decay, Backwards: true, target.Add));
        }
    }
}
