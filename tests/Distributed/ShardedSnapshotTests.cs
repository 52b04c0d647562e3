namespace Mayfly.Tests;

/// <summary>Snapshots that ranks write by parts: one set or none, for any number of ranks.</summary>
public class ShardedSnapshotTests
{
    private const long LeastBytes = 24;

    public static TheoryData<Fault, bool, int> Faults => new()
    {
        { Fault.Refused, false, 0 }, { Fault.Refused, false, 1 }, { Fault.Full, false, 0 }, { Fault.Full, false, 1 },
        { Fault.Dies, true, 0 }, { Fault.Dies, true, 1 }, { Fault.Lost, false, 0 }, { Fault.Lost, false, 1 },
    };

    /// <summary>At every request that one of the ranks makes to the disk: an error, or the end of that rank.</summary>
    [Theory]
    [MemberData(nameof(Faults))]
    public void Whatever_fails_the_set_is_the_old_one_or_the_new_one(Fault fault, bool ends, int rank)
    {
        using var folder = new TemporaryFolder();
        string start = folder.File("start");
        Save(2, start, 1);
        Save(2, start, 2);
        FaultyDisk Broken(long place) => new(fault, place, PlaceUnit.Request) { Sign = ends ? new RankEnd() : null };
        var counting = Broken(long.MaxValue);
        Save(2, Copy(start, folder.File("count")), 3, counting, rank);
        counting.CheckSettled();
        Assert.InRange(counting.Places, rank == 0 ? 20 : 10, 60);
        var seen = new Dictionary<long, int>();
        for (long place = 0; place < counting.Places; place++)
        {
            string run = Copy(start, folder.File($"run{place}"));
            var error = Record.Exception(() => Save(2, run, 3, Broken(place), rank));
            long step = Check(run);
            Assert.True(step is 2 or 3, $"Place {place}: step {step}.");
            Assert.True(step == 3 || error is not null || fault == Fault.Lost, $"Place {place}: saving succeeded but step 2 opens.");
            seen[step] = seen.GetValueOrDefault(step) + 1;
            if (place % 4 != 3) continue;
            Save(3, run, 4); // the next one works, and clears what was left
            Assert.Equal(4, Check(run));
            Assert.Equal(Named(run), Snapshot.PartsIn(run).Order());
            Assert.Empty(Directory.GetFiles(run, "*.partial"));
        }

        Assert.True(seen[2] > 8 && (rank > 0 || seen[3] > 0), string.Join(", ", seen));
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(4, 1)]
    [InlineData(4, 3)]
    [InlineData(2, 4)]
    public void Any_number_of_ranks_goes_on(int before, int after)
    {
        using var folder = new TemporaryFolder();
        Save(before, folder.Path, 5);
        Assert.Equal(5, Check(folder.Path));
        InProcess.Run(after, own =>
        {
            using var model = new Divided(own);
            using var snapshot = Snapshot.Open(folder.Path);
            long live = model.Device.Arena.Report.LiveBytes;
            model.Device.Arena.ResetPeaks();
            snapshot.Restore(model.Weights, model.Updater);
            Assert.InRange(model.Device.Arena.Report.PeakBytes - live, 0, 4 * Divided.Largest); // one at a time that others have
            model.CheckOwn(5);
        });
        Save(after, folder.Path, 6);
        Assert.Equal(6, Check(folder.Path));
    }

    [Fact]
    public void A_rank_writes_what_it_has_and_sends_nothing()
    {
        using var folder = new TemporaryFolder();
        InProcess.Run(3, own =>
        {
            using var model = new Divided(own);
            model.Fill(1);
            var shards = (Shards)model.Device.Pager!;
            long before = shards.MovedBytes, live = model.Device.Arena.Report.LiveBytes;
            model.Device.Arena.ResetPeaks();
            model.Save(folder.Path, 1);
            Assert.Equal((before, live), (shards.MovedBytes, model.Device.Arena.Report.PeakBytes));
        });
        string[] parts = [.. Snapshot.PartsIn(folder.Path).Order()];
        Assert.Equal(["snapshot.1.0-of-3", "snapshot.1.1-of-3", "snapshot.1.2-of-3"], parts.Select(part => part[..17]));
        long[] sizes = [.. parts.Select(part => new FileInfo(folder.File(part)).Length)];
        Assert.True(sizes.Max() < sizes.Sum() / 2);
    }

    [Fact]
    public void A_part_that_is_missing_or_another_one_is_found()
    {
        using var folder = new TemporaryFolder();
        for (int step = 1; step <= 2; step++) Save(2, folder.Path, step);
        string[] parts = [.. Snapshot.PartsIn(folder.Path).Order().Select(folder.File)];
        byte[] newer = File.ReadAllBytes(parts[3]);
        Damage(file => file[^1] ^= 1, "its checksum differs");
        File.WriteAllBytes(parts[3], File.ReadAllBytes(parts[1])); // of the step before
        Opens(1, "its checksum is not the one");
        File.Delete(parts[3]);
        Opens(1, "does not exist");
        File.WriteAllBytes(parts[3], newer);
        Opens(2, null);

        void Damage(Action<byte[]> change, string problem)
        {
            byte[] bytes = [.. newer];
            change(bytes);
            File.WriteAllBytes(parts[3], bytes);
            Opens(1, problem);
        }

        void Opens(long step, string? problem)
        {
            using var snapshot = Snapshot.Open(folder.Path);
            Assert.Equal(step, snapshot.Step);
            Assert.Contains(problem ?? "", snapshot.Warning ?? "");
            Assert.Contains(problem is null ? "" : parts[3], snapshot.Warning ?? "");
        }
    }

    [Fact]
    public void A_damaged_part_does_not_push_out_a_whole_snapshot()
    {
        using var folder = new TemporaryFolder();
        for (int step = 1; step <= 2; step++) Save(3, folder.Path, step);
        string part = folder.File(Snapshot.PartsIn(folder.Path).Order().Last());
        File.WriteAllText(part, "damaged");
        Save(3, folder.Path, 3);
        Assert.Equal(3, Check(folder.Path));
        File.Delete(folder.File(Snapshot.FileName));
        Assert.Equal(1, Check(folder.Path));
    }

    [Fact]
    public void The_best_set_stays_while_others_come()
    {
        using var folder = new TemporaryFolder();
        Save(2, folder.Path, 1);
        Snapshot.KeepBest(folder.Path);
        for (int step = 2; step <= 4; step++) Save(2, folder.Path, step);
        using (var best = Snapshot.OpenBest(folder.Path)) Assert.Equal(1, best.Step);
        Assert.Equal(6, Snapshot.PartsIn(folder.Path).Count);
        InProcess.Run(2, own =>
        {
            using var model = new Divided(own);
            model.Fill(5);
            ShardedSnapshot.SaveBest(model.Exchange, folder.Path, model.Weights, model.Updater, 5, "",
                null, 1.5);
        });
        using (var best = Snapshot.OpenBest(folder.Path)) Assert.Equal((5, 1.5), (best.Step, best.ValidationLoss));
        Assert.Equal(4, Check(folder.Path));
        Assert.Equal(Named(folder.Path), Snapshot.PartsIn(folder.Path).Order());
    }

    [Fact]
    public void A_set_of_one_file_takes_the_place_of_one_of_parts()
    {
        using var folder = new TemporaryFolder();
        Save(2, folder.Path, 1);
        for (int step = 2; step <= 3; step++) Save(1, folder.Path, step);
        Assert.Equal(3, Check(folder.Path));
        Assert.Empty(Snapshot.PartsIn(folder.Path));
    }

    [Fact]
    public void Names_of_other_files_are_refused()
    {
        using var folder = new TemporaryFolder();
        Save(2, folder.Path, 1);
        string file = folder.File(Snapshot.FileName), part = Snapshot.PartsIn(folder.Path)[0];
        byte[] whole = File.ReadAllBytes(file);
        foreach (string name in (string[])["../snapshot.1.0-of-2.00000000.safetensors", Snapshot.FileName, ""])
            Refused(text => text.Replace(part, name));
        foreach (string json in (string[])["[null]", "null", "{}", "[{}]", "", "[[]]"]) Refused(_ => json);

        void Refused(Func<string, string> change)
        {
            File.WriteAllBytes(file, FuzzFormats.Edited(whole, "parts", change));
            Assert.Equal("parts", Assert.Throws<BadFileException>(() => Snapshot.Open(folder.Path)).Field);
        }
    }

    [Fact]
    public void Ranks_that_write_elsewhere_are_told()
    {
        using var folder = new TemporaryFolder();
        InProcess.Run(2, own =>
        {
            using var model = new Divided(own);
            model.Fill(1);
            Assert.Contains("needs a folder that all ranks see",
                Assert.Throws<AgreedException>(() => model.Save(folder.File($"of{own.Rank}"), 1)).Message);
        });
        Assert.Empty(Directory.GetFiles(folder.File("of0")));
    }

    [Fact]
    public void What_is_not_finite_on_one_rank_is_an_error_of_all()
    {
        using var folder = new TemporaryFolder();
        InProcess.Run(2, own =>
        {
            using var model = new Divided(own);
            model.Fill(1);
            model.Weights[1].Value.Fill(float.NaN);
            Assert.StartsWith("'w1' has an infinity or NaN",
                Assert.Throws<NonFiniteException>(() => model.Save(folder.Path, 1)).Message);
        });
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    private static void Save(int ranks, string folder, int step, Disk? disk = null, int rank = -1) => InProcess.Run(ranks, own =>
    {
        using var model = new Divided(own);
        model.Fill(step);
        using (own.Rank == rank && disk is not null ? Disk.Use(disk) : null) model.Save(folder, step);
    });

    /// <summary>The step of the snapshot that opens; all of it has to be of that step.</summary>
    private static long Check(string folder)
    {
        using var ranks = new SingleProcess();
        using var model = new Divided(ranks);
        using var snapshot = Snapshot.Open(folder);
        snapshot.Restore(model.Weights, model.Updater);
        model.CheckOwn((int)snapshot.Step);
        return snapshot.Step;
    }

    /// <summary>The parts that the folder's snapshots name.</summary>
    private static IEnumerable<string> Named(string folder) => Snapshot.FileNames.Select(name => Path.Combine(folder, name))
        .Where(File.Exists).SelectMany(file =>
        {
            using var reader = SafeTensorsReader.Open(file);
            return SnapshotParts.Of(reader).Select(part => part.File).ToArray();
        }).Distinct().Order();

    private static string Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        return to;
    }

    /// <summary>The end of a rank, which tells nobody.</summary>
    private sealed class RankEnd : Exception;

    /// <summary>Some weights and their states, divided among ranks, of which each element says the step.</summary>
    private sealed class Divided : IDisposable
    {
        private static readonly int[] sizes = [9, 17, 2, 33, 8, 12];

        private readonly Scope scope;

        public Divided(ICollectives ranks)
        {
            Exchange = new DataParallel(ranks);
            Device = Device.CreateCpu(threads: 1);
            if (ranks.Ranks > 1)
                ShardPlan.Of(ranks.Rank, ranks.Ranks, d => new Made(d), LeastBytes).Use(Device, Exchange.Queue);
            scope = Device.Scope("test");
            Weights = Made.Of(Device);
            Updater = new Updater(Weights, Route.Default(new AdamW()), new() { Exchange = ranks.Ranks > 1 ? Exchange : null });
        }

        public static int Largest => sizes.Max();

        public DataParallel Exchange { get; }

        public Device Device { get; }

        public Parameter[] Weights { get; }

        public Updater Updater { get; }

        private IEnumerable<Tensor> Tensors =>
            Weights.Select(w => w.Value).Concat(Updater.States.SelectMany(s => s.Tensors.Select(t => t.Value)));

        public void Fill(int step)
        {
            foreach (var tensor in Tensors) tensor.Fill(step);
            foreach (var (weight, state) in Weights.Zip(Updater.States))
                state.Number("steps") = Exchange.Steps(weight) ? step : -1;
            Updater.GlobalStep = step;
        }

        public void Save(string folder, int step)
        {
            if (Exchange.Ranks > 1) ShardedSnapshot.Save(Exchange, folder, Weights, Updater, step, "");
            else Snapshot.Save(folder, Weights, Updater, step, "");
        }

        public void CheckOwn(int step)
        {
            foreach (var tensor in Tensors.Where(t => (t.Storage.Block as Shard)?.Owner is not { } owner || owner == Exchange.Rank))
            {
                using var held = Device.Pager?.Hold(alone: true) ?? default;
                Assert.All(tensor.ToArray(), value => Assert.Equal(step, value));
            }

            Assert.All(Updater.States, state => Assert.Equal(step, state.Number("steps")));
            Assert.Equal(step, Updater.GlobalStep);
        }

        public void Dispose()
        {
            Updater.Dispose();
            foreach (var weight in Weights) weight.Dispose();
            scope.Dispose();
            Exchange.Dispose();
            Device.Dispose();
        }

        /// <summary>The weights, as a plan makes them.</summary>
        private sealed class Made(Device device) : IDisposable
        {
            private readonly Parameter[] weights = Of(device);

            public static Parameter[] Of(Device device) =>
                [.. sizes.Select((n, i) => new Parameter($"w{i}", n, Role.Hidden, device))];

            public void Dispose() => Array.ForEach(weights, weight => weight.Dispose());
        }
    }
}
