namespace Mayfly.Tests;

/// <summary>The code that docs/memory.md, docs/autodiff.md and docs/determinism.md quote.</summary>
public sealed class Snippets : IDisposable
{
    private readonly Device device = Device.CreateCpu(threads: 1);

    public void Dispose() => device.Dispose();

    [Fact]
    public void Scopes_return_and_keep()
    {
        Tensor total, kept, lost;
        using (var scope = device.Scope("work"))
        {
            var a = Tensor.Ones((2, 3), device); // freed when the scope closes
            total = scope.Return(a.Exp().Sum()); // handed to the enclosing scope, or to you where there is none
            kept = a.Scale(2).Keep();            // taken out of all scopes: you dispose it
            lost = a;
        }

        Assert.Equal(6 * Math.E, total.Item(), 4);
        Assert.Equal("Exp: the tensor (2, 3) made by Full was freed when scope 'work' closed; return it from its scope, Keep() it, "
            + "or use it earlier.",
            Assert.Throws<ObjectDisposedException>(() => lost.Exp()).Message.Split(['\r', '\n'])[0]);
        Assert.Equal(4 + 24, device.Arena.Report.LiveBytes);
        total.Dispose();
        kept.Dispose();
        Assert.Equal(0, device.Arena.Report.LiveBytes);
    }

    [Fact]
    public void The_arena_reports_by_use()
    {
        using var weight = Vector("w", 1);
        var report = device.Arena.Report;
        Console.Out.WriteLine(report);                 // a table: live and peak MiB of each use
        long weights = report.Live(Use.Weight);        // bytes now
        long gradients = report.Peak(Use.Gradient);    // the most at one time
        device.Arena.ResetPeaks();                     // peaks start again from what is live
        device.Arena.Trim();                           // blocks nobody uses go back to the system
        Assert.Equal((12, 0), (weights, gradients));
        Assert.Equal(64, device.Arena.Report.ReservedBytes);
    }

    [Fact]
    public void Weights_live_in_a_file()
    {
        using var temporary = new TemporaryFolder();
        string folder = temporary.Path;
        var shape = new LlamaConfig { VocabularySize = 256, Context = 8, Layers = 1, Heads = 2, Width = 128 };
        {
            using var device = Device.CreateCpu();
            device.Stream(Path.Combine(folder, "weights.stream"), residentBytes: 1L << 30); // from now on they live in the file
            using var model = new Llama(shape, device);
            Assert.Equal(3 * 4 * 128, device.Arena.Report.Live(Use.Weight)); // the gains of three norms
            Assert.Equal(4 * (model.ParameterCount - 3 * 128), device.Residency!.StreamedBytes);
        }

        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public void Eager_holds_one_gradient_and_deferred_all()
    {
        Assert.Equal(4 * 1000, PeakOfGradients(UpdateMode.Eager));
        Assert.Equal(5 * 4 * 1000, PeakOfGradients(UpdateMode.Deferred));
    }

    [Fact]
    public void A_tied_table_keeps_its_gradient_through_the_sweep()
    {
        var config = new GptConfig { VocabularySize = 40, Context = 8, Layers = 2, Heads = 2, Width = 8, TiedHead = true };
        using var model = new Gpt(config, device);
        using var scope = device.Scope("test");
        var ids = Tensor.From<int>([1, 2, 3, 4], (1, 4), device);
        var order = new List<string>();
        using var tape = Tape.Record(device);
        tape.Backward(model.Loss(ids, ids), (Parameter p, ref Gradient _) =>
        {
            order.Add(p.Name);
            if (p.Name != "tokens.table") Assert.True(device.Arena.Report.Live(Use.Gradient) >= 40 * 8 * 4 + p.Value.Bytes);
        });
        Assert.Contains("tokens.table", order.TakeLast(2));
    }

    [Fact]
    public void A_hook_gets_each_gradient()
    {
        using Parameter first = Vector("first", 1), second = Vector("second", 2);
        using var x = Tensor.From<float>([1, 2, 3], 3, device);
        var kept = new Dictionary<string, Tensor>();
        using (var tape = Tape.Record(device))
        {
            var loss = ((x * first.Value).Tanh() * second.Value).Sum();
            tape.Backward(loss, (Parameter p, ref Gradient gradient) =>
            {
                kept[p.Name] = gradient.Value!;
                gradient = default; // keeps the tensor; otherwise it is freed when the hook returns
            });
        }

        Assert.Equal(["second", "first"], kept.Keys);
        foreach (var gradient in kept.Values) gradient.Dispose();
        Assert.Equal(0, device.Arena.Report.Live(Use.Gradient));
    }

    [Fact]
    public void A_watched_tensor_gets_its_gradient()
    {
        using var scope = device.Scope("test");
        var values = Tensor.From<float>([1, 2, 3], 3, device);
        using var tape = Tape.Record(device);
        var x = tape.Watch(values);
        tape.Backward((x * x).Sum());
        float[] gradient = tape.GradientOf(x)!.ToArray(); // 2, 4, 6
        Assert.Equal([2f, 4f, 6f], gradient);
    }

    [Fact]
    public void NoGrad_and_detach_stop_gradients()
    {
        using var w = Vector("w", 2);
        using var tape = Tape.Record(device);
        Tensor target;
        using (Tape.NoGrad()) target = w.Value.Exp();         // computed, not recorded
        var loss = (w.Value - target).Mse(w.Value.Detach());  // no gradient through target or the detached copy
        int fired = 0;
        tape.Backward(loss, (Parameter _, ref Gradient g) => fired++);
        Assert.Equal(1, fired);
    }

    [Fact]
    public void A_checkpointed_segment_gives_the_same_bits()
    {
        using var w = Vector("w", 2);
        float[] Gradient(bool checkpoint)
        {
            float[] result = [];
            using var tape = Tape.Record(device, new RandomState(Seed: 1, Step: 1, MicroBatch: 0));
            var x = w.Value.Exp();
            var y = checkpoint
                ? Tape.Checkpoint(h => (h * w.Value).Dropout(0.5f).Tanh(), x)
                : (x * w.Value).Dropout(0.5f).Tanh();
            tape.Backward(y.Sum(), (Parameter _, ref Gradient g) => result = g.Value!.ToArray());
            return result;
        }

        Assert.Equal(Gradient(false), Gradient(true));
    }

    [Fact]
    public void Micro_batches_add_up_to_one_batch()
    {
        int[] ids = [1, 2, 3, 4], targets = [2, -1, 4, 5];
        double Norm(int parts)
        {
            using var model = new Gpt(new GptConfig { VocabularySize = 8, Context = 4, Layers = 1, Heads = 1, Width = 8 }, device);
            using var updater = new Updater(model.Parameters(), Route.Default(new Sgd()));
            int counted = targets.Count(t => t >= 0);
            var report = updater.Step(parts, k =>
            {
                var (inputs, wanted) = Part(k);
                return model.Loss(inputs, wanted, total: counted); // the losses add up to the whole batch's
            });
            return report.GradientNorm;

            (Tensor, Tensor) Part(int k)
            {
                int n = 4 / parts;
                return (Tensor.From<int>(ids.AsSpan(k * n, n), (n, 1), device), Tensor.From<int>(targets.AsSpan(k * n, n), (n, 1), device));
            }
        }

        Assert.Equal(Norm(1), Norm(2), 4);
    }

    [Fact]
    public void The_long_form_equals_the_short_one()
    {
        using var model = new Linear(new ParameterSource(device), 3, 1);
        using var x = Tensor.Ones((2, 3), device);
        using var updater = new Updater(model.Parameters(), Route.Default(new AdamW(), UpdateMode.Eager));
        updater.Begin();
        using (var tape = Tape.Record(device, updater.Random))
        {
            var loss = model.Call(x).Mean();
            updater.Backward(tape, loss);
        }

        var report = updater.End();
        Assert.Equal(1, report.Step);
    }

    [Fact]
    public void Frozen_parameters_cost_no_gradient()
    {
        var config = new GptConfig { VocabularySize = 8, Context = 4, Layers = 2, Heads = 1, Width = 8 };
        using var model = new Gpt(config, device);
        model.Freeze();                  // everything
        model.Unfreeze("head.*");        // but the head
        using var scope = device.Scope("test");
        var ids = Tensor.From<int>([1, 2], (1, 2), device);
        using var tape = Tape.Record(device);
        var loss = model.Loss(ids, ids);
        Assert.Equal(2, tape.Count);     // the head's product and the loss: nothing below is recorded
        var fired = new List<string>();
        tape.Backward(loss, (Parameter p, ref Gradient _) => fired.Add(p.Name));
        Assert.Equal(["head.weight"], fired);
    }

    [Fact]
    public void The_same_bits_for_any_number_of_threads()
    {
        float[] Train(int threads)
        {
            using var device = Device.CreateCpu(threads, vectorBits: 128);
            var shape = new GptConfig { VocabularySize = 64, Context = 16, Layers = 1, Heads = 2, Width = 32, Dropout = 0.1f };
            using var model = new Gpt(shape, device, seed: 1);
            using var updater = new Updater(model.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { Seed = 1 });
            using var ids = Tensor.From<int>([.. Enumerable.Range(0, 64).Select(i => i * 7 % 64)], (4, 16), device);
            for (int step = 0; step < 3; step++) updater.Step(() => model.Loss(ids, ids));
            return model["head.weight"].Value.ToArray();
        }

        Assert.Equal(Train(threads: 1), Train(threads: 3));
    }

    private long PeakOfGradients(UpdateMode mode)
    {
        var parameters = Enumerable.Range(0, 5).Select(i => Filled($"p{i}", 1000)).ToArray();
        using var updater = new Updater(parameters, Route.Default(new Sgd(), mode));
        device.Arena.ResetPeaks();
        updater.Step(() =>
        {
            var y = parameters[0].Value.Tanh();
            foreach (var parameter in parameters.Skip(1)) y = (y * parameter.Value).Tanh();
            return y.Sum();
        });
        foreach (var parameter in parameters) parameter.Dispose();
        return device.Arena.Report.Peak(Use.Gradient);
    }

    private Parameter Filled(string name, int count)
    {
        using var value = Tensor.Full(count, 0.5, device);
        return new Parameter(name, value, Role.Hidden);
    }

    private Parameter Vector(string name, ulong stream)
    {
        using var value = Tensor.Uniform(3, -1, 1, new RandomKey(1, stream), device);
        return new Parameter(name, value, Role.Gain);
    }
}
