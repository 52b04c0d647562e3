namespace Mayfly.Tests;

/// <summary>Workers that seldom meet: the outer step, what they send, and who takes part.</summary>
public sealed class DilocoTests : IDisposable
{
    private const int Every = 3;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>PyTorch's SGD on the mean of three workers' changes, as OpenDiloco has it.</summary>
    [Fact]
    public void The_outer_step_follows_the_trace()
    {
        var golden = GoldenTests.Load("diloco-outer-open");
        var problem = GoldenTests.problems.GetProperty(golden.GetProperty("problem").GetString()!);
        const double q = 1024;
        double[] weights = [.. GoldenTests.Numbers(problem.GetProperty("init_q")).Select(x => x / q)];
        double[] momentum = new double[weights.Length];
        foreach (var step in golden.GetProperty("steps").EnumerateArray())
        {
            double[] change = new double[weights.Length];
            foreach (var worker in step.GetProperty("delta_from").EnumerateArray())
            {
                double[] gradient = GoldenTests.Numbers(problem.GetProperty("grads_q")[worker[0].GetInt32() - 1]);
                for (int i = 0; i < change.Length; i++) change[i] += worker[1].GetDouble() * gradient[i] / q;
            }

            for (int i = 0; i < change.Length; i++) change[i] /= 3;
            new OuterStep().Apply<double>(weights, momentum, change);
            GoldenTests.Near(GoldenTests.Numbers(step.GetProperty("pseudo_grad")), change, 1e-12, 1e-10, "pseudo_grad");
            GoldenTests.Near(GoldenTests.Numbers(step.GetProperty("momentum")), momentum, 1e-12, 1e-10, "momentum");
            GoldenTests.Near(GoldenTests.Numbers(step.GetProperty("params")), weights, 1e-12, 1e-10, "params");
        }
    }

    /// <summary>One worker: its outer step is known from its own weights, but for the rounding, and vectors are not rounded.</summary>
    [Fact]
    public void What_is_sent_is_off_by_less_than_a_127th_of_the_largest_change()
    {
        using var one = new Worker(folder.File("one"), new() { Every = 1, Outer = new() { LearningRate = 1, Momentum = 0 } });
        float[] before = one.Weights();
        one.Step();
        float[] after = one.Weights();
        one.Diloco.Synchronise();
        float[] met = one.Weights();
        double largest = Enumerable.Range(0, 35).Max(i => Math.Abs(before[i] - after[i])), off = 0;
        for (int i = 0; i < met.Length; i++)
        {
            off += i < 35 ? Math.Abs(met[i] - after[i]) : 0;
            Assert.InRange(Math.Abs(met[i] - after[i]), 0, i < 35 ? largest / 127 * 1.001 + 1e-7 : 1e-7);
        }

        Assert.True(off > 0);
    }

    [Fact]
    public void Workers_come_to_the_same_weights_as_often_as_they_are_run()
    {
        var runs = new[] { "first", "again" }.Select(name => Run(name, 3, worker => worker.To(7 * Every))).ToArray();
        Assert.Single(runs.SelectMany(run => run).Distinct(new Same()));
        Assert.NotEqual(runs[0][0], Run("other", 2, worker => worker.To(7 * Every))[0]);
    }

    /// <summary>Nobody is waited for: what happens is in the order in which it stands here.</summary>
    [Fact]
    public void Who_does_not_come_is_left_out_and_who_comes_later_joins()
    {
        using Worker first = Alone(0), late = Alone(1), joins = Alone(2);
        var rounds = new List<SyncRound>();
        first.To(2 * Every, rounds.Add);
        Assert.Equal([1], rounds[0].LeftOut);
        Assert.Equal([], rounds[1].LeftOut);
        late.To(Every - 1);
        late.Next(_ => { });
        late.Next(rounds.Add); // its round is past
        Assert.Equal([0], rounds[2].Workers);
        Assert.Equal((2, first.Updater.GlobalStep), (late.Diloco.Round, late.Updater.GlobalStep));
        Assert.Equal(first.Weights(), late.Weights());
        first.To(3 * Every, rounds.Add);
        Assert.Equal([0, 1], rounds[3].Next);
        late.Diloco.Start();
        foreach (int _ in Enumerable.Range(0, 3)) first.Diloco.Saved(); // the changes are gone; the weights are there
        Assert.True(joins.Diloco.HasMissed);
        joins.Diloco.Start();
        Assert.Equal(first.Weights(), joins.Weights());
        first.To(4 * Every, rounds.Add);
        Assert.Equal([0, 2], rounds[4].Next); // the second was waited for
        Assert.Equal([1], rounds[4].LeftOut);
    }

    private Worker Alone(int number) => new(folder.File("alone"),
        new() { Worker = number, Workers = 2, Every = Every, Wait = TimeSpan.Zero });

    /// <summary>Killed in mid-phase, after it has sent its changes, and after the others have gone on.</summary>
    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(4, 3)]
    public void A_worker_that_was_killed_comes_to_the_bits_of_one_that_was_not(int saved, int more)
    {
        var straight = Run("straight", 2, worker => worker.To(4 * Every));
        string own = folder.File("snapshot");
        var broken = Run("broken", 2, worker =>
        {
            if (worker.Number == 0) worker.To(4 * Every);
            if (worker.Number == 0) return;
            worker.To(saved);
            Snapshot.Save(own, worker.Model.Parameters, worker.Updater, worker.Updater.GlobalStep, "");
            worker.Diloco.Saved();
            for (int i = 0; i < more && (i > 0 || !worker.Diloco.IsDue); i++) worker.Next(_ => { });
            using var next = new Worker(folder.File("broken"), worker.Options);
            using var snapshot = Snapshot.Open(own);
            snapshot.Restore(next.Model.Parameters, next.Updater);
            next.Diloco.Start();
            next.To(4 * Every);
            Assert.Equal(straight[1], next.Weights());
        });
        Assert.Equal(straight[0], broken[0]);
    }

    [Fact]
    public void The_first_says_what_all_have_to_have_alike()
    {
        using var one = new Worker(folder.File("agree"), new());
        using var other = new Worker(folder.File("agree"), new() { Worker = 1 });
        Assert.Equal("settings", one.Diloco.Agree("settings"));
        Assert.Equal("settings", other.Diloco.Agree("others"));
    }

    /// <summary>Whatever fails on the way, a decision is whole or not there; and the first one stays.</summary>
    [Fact]
    public void What_is_decided_is_whole_and_stays()
    {
        var whole = new FaultyDisk(Fault.Dies, long.MaxValue);
        using (Disk.Use(whole)) Assert.True(Files.TryPublish(folder.File("count"), stream => stream.Write("decided"u8)));
        whole.CheckSettled();
        for (long place = 0; place < whole.Places; place++)
        {
            string file = folder.File($"place{place}");
            using (Disk.Use(new FaultyDisk(Fault.Dies, place)))
                Assert.Throws<InputException>(() => Files.TryPublish(file, stream => stream.Write("decided"u8)));
            if (File.Exists(file)) Assert.Equal("decided", File.ReadAllText(file));
            bool isFirst = !File.Exists(file);
            Assert.Equal(isFirst, Files.TryPublish(file, stream => stream.Write("another"u8)));
            Assert.Equal(isFirst ? "another" : "decided", File.ReadAllText(file));
        }
    }

    private float[][] Run(string name, int count, Action<Worker> body)
    {
        var results = new float[count][];
        InProcess.Run(count, own =>
        {
            using var worker = new Worker(folder.File(name), new()
            {
                Worker = own.Rank, Workers = count, Every = Every, Wait = TimeSpan.FromMinutes(5),
            });
            body(worker);
            results[own.Rank] = worker.Weights();
        });
        return results;
    }

    private sealed class Same : IEqualityComparer<float[]>
    {
        public bool Equals(float[]? x, float[]? y) => x!.AsSpan().SequenceEqual(y);

        public int GetHashCode(float[] x) => 0;
    }

    /// <summary>A worker with a tiny model and data of its own.</summary>
    private sealed class Worker : IDisposable
    {
        private readonly Device device = Device.CreateCpu(threads: 1);

        public Worker(string folder, DilocoOptions options)
        {
            Options = options;
            Model = new TinyModel(device);
            Updater = new Updater(Model.Parameters, Route.Default(new AdamW()), new() { Schedule = 0.02 });
            Diloco = new Diloco(Updater, folder, options);
        }

        public DilocoOptions Options { get; }

        public TinyModel Model { get; }

        public Updater Updater { get; }

        public Diloco Diloco { get; }

        public int Number => Options.Worker;

        public float[] Weights() => Model.Weights();

        public void Step() => Updater.Step(1, _ => Model.Loss((int)Updater.GlobalStep * 8 + Number, 2, 0.1));

        /// <summary>Makes what comes next: a meeting or a step.</summary>
        public void Next(Action<SyncRound> met)
        {
            if (Diloco.IsDue) met(Diloco.Synchronise());
            else Step();
        }

        public void To(int steps, Action<SyncRound>? met = null)
        {
            while (Updater.GlobalStep < steps || Diloco.IsDue) Next(met ?? (_ => { }));
        }

        public void Dispose()
        {
            Updater.Dispose();
            Model.Dispose();
            device.Dispose();
        }
    }
}
