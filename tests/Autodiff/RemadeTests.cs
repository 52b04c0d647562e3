namespace Mayfly.Tests;

/// <summary>Results that backward makes again: they take no memory between the passes, and no gradient changes by a bit.</summary>
public class RemadeTests
{
    private const int Rows = 37, Width = 67, Bytes = 4 * Rows * Width;

    private static readonly Dictionary<string, Func<Tensor, Tensor, Tensor>> Makers = new()
    {
        ["layer norm"] = (x, gain) => x.LayerNorm(gain),
        ["layer norm with bias"] = (x, gain) => x.LayerNorm(gain, gain),
        ["RMS norm"] = (x, gain) => x.RmsNorm(gain),
        ["GELU"] = (x, _) => x.Gelu(),
        ["exact GELU"] = (x, _) => x.GeluErf(),
        ["SiLU"] = (x, _) => x.Silu(),
        ["a product"] = (x, gain) => x * gain,
        ["SwiGLU"] = (x, gain) => x.Swiglu(gain),
    };

    public static TheoryData<string> Names => [.. Makers.Keys];

    [Theory, MemberData(nameof(Names))]
    public void A_result_that_is_made_again_takes_no_memory(string name)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var tape = Tape.Record(device);
        Tensor x = tape.Watch(Numbers(device, (Rows, Width), 1)), gain = tape.Watch(Numbers(device, Width, 2));
        Tensor weight = tape.Watch(Numbers(device, (1, Width), 3));
        long before = device.Arena.Report.LiveBytes;
        using (var layer = device.Scope("layer")) layer.Return(Makers[name](x, gain).Linear(weight));
        Assert.InRange(device.Arena.Report.LiveBytes - before, 0, Bytes - 1);
    }

    /// <summary>Who keeps the result has it read as it was made.</summary>
    [Theory, MemberData(nameof(Names))]
    public void A_result_made_again_has_the_bits_of_the_first_one(string name)
    {
        foreach (int bits in (int[])[128, 256, 512])
        {
            using var device = Device.CreateCpu(threads: 2, bits);
            float[][] kept = Gradients(device, name, (made, next) => next(made.Keep())), again = Gradients(device, name, Dropped);
            Assert.Equal(kept, again);
            Assert.Equal(0, device.Arena.Report.LiveBytes);
        }
    }

    /// <summary>An op may take over the memory of a result that nobody holds; what was saved is still what was read.</summary>
    [Theory, MemberData(nameof(Names))]
    public void A_result_that_was_written_to_is_made_again(string name)
    {
        using var device = Device.CreateCpu(threads: 2);
        var expected = Gradients(device, name, Dropped);
        var found = Gradients(device, name, (made, next) =>
        {
            var y = next(made);
            made.Fill(float.NaN);
            return y;
        });
        Assert.Equal(expected, found);
    }

    [Fact]
    public void Two_readers_share_what_is_made_again_and_the_last_one_frees_it()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var trace = device.Arena.StartTrace();
        Gradients(device, "GELU", (made, next) => Dropped(made, m => next(m) + next(m)));
        Assert.Equal(2, trace.Events.Count(e => e is { Maker: "Gelu", Bytes: Bytes }));
        Assert.Equal(0, device.Arena.Report.LiveBytes);
    }

    [Fact]
    public void A_long_chain_keeps_every_second_result()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var tape = Tape.Record(device);
        var x = tape.Watch(Numbers(device, (Rows, Width), 1));
        long before = device.Arena.Report.LiveBytes;
        using var scope = device.Scope("chain");
        for (int i = 0; i < 1000; i++)
        {
            var made = x.Silu();
            if (i > 0) x.Dispose();
            x = made;
        }

        Assert.InRange(device.Arena.Report.LiveBytes - before, 499L * Bytes, 502L * Bytes);
        tape.Backward(x.Sum());
    }

    [Fact]
    public void A_tape_that_is_dropped_after_a_failure_frees_what_was_made_again()
    {
        using var device = Device.CreateCpu(threads: 1);
        Assert.Throws<InvalidOperationException>(() =>
        {
            using var tape = Tape.Record(device);
            Tensor x = tape.Watch(Numbers(device, (Rows, Width), 1)), weight = tape.Watch(Numbers(device, (Width, Width), 2));
            var y = x.Gelu().Linear(weight);
            x.Fill(0);
            tape.Backward(y.Sum());
        });
        Assert.Equal(0, device.Arena.Report.LiveBytes);
    }

    private static Tensor Dropped(Tensor made, Func<Tensor, Tensor> next)
    {
        using (made) return next(made);
    }

    /// <summary>The gradients of a made result's inputs and of the weight that reads it.</summary>
    /// <param name="device">The device.</param>
    /// <param name="name">What makes the result.</param>
    /// <param name="read">Runs the reader on the result and decides what becomes of it.</param>
    private static float[][] Gradients(Device device, string name, Func<Tensor, Func<Tensor, Tensor>, Tensor> read)
    {
        using var tape = Tape.Record(device);
        Tensor x = tape.Watch(Numbers(device, (Rows, Width), 1)), gain = tape.Watch(Numbers(device, Width, 2));
        Tensor weight = tape.Watch(Numbers(device, (5, Width), 3));
        var made = Makers[name](x, gain);
        var y = read(made, m => m.Linear(weight));
        tape.Backward((y * Numbers(device, (Rows, 5), 4)).Sum());
        made.Dispose();
        return [.. new[] { x, gain, weight }.Select(t => tape.GradientOf(t)?.ToArray() ?? [])];
    }

    private static Tensor Numbers(Device device, Shape shape, ulong stream) =>
        Tensor.Uniform(shape, -2, 2, new RandomKey(7, stream), device);
}
