namespace Mayfly.Tests;

public class SnapshotTests
{
    private sealed record Settings(int Layers, double LearningRate, string? Note = null);

    private sealed record OtherSettings(int Layers, int Heads);

    /// <summary>Two weights that learn by AdamW.</summary>
    private sealed class Run : IDisposable
    {
        public Run(Device device, int width = 5, bool clipped = true, AdamW? adamW = null)
        {
            Weights =
            [
                new Parameter("blocks.0.weight", Weight(device, (3, width), 1), Role.Hidden),
                new Parameter("gain", Weight(device, 7, 2), Role.Gain),
            ];
            adamW ??= new AdamW();
            Rule rule = clipped ? new Chain(new ClipNorm(1), adamW) : adamW;
            Updater = new Updater(Weights, Route.Default(rule), new UpdaterOptions { Seed = 1 });
        }

        public Parameter[] Weights { get; }

        public Updater Updater { get; }

        public void Steps(int count)
        {
            for (int i = 0; i < count; i++)
                Updater.Step(() => (Weights[0].Value * Weights[0].Value).Sum() + (Weights[1].Value * Weights[1].Value).Sum());
        }

        /// <summary>Everything that training goes on from, as bits.</summary>
        public long[] Bits() =>
        [
            Updater.GlobalStep,
            .. Weights.Select(w => w.Value).Concat(Updater.States.SelectMany(s => s.Tensors).Select(t => t.Value))
                .SelectMany(t => t.ToArray<float>()).Select(v => (long)BitConverter.SingleToInt32Bits(v)),
            .. Updater.States.SelectMany(s => s.Numbers).Select(n => BitConverter.DoubleToInt64Bits(n.Value)),
        ];

        public void Save(string folder) =>
            Snapshot.Save(folder, Weights, Updater, Updater.GlobalStep, new Settings(4, 1e-3), new CharTokenizer("abc"));

        public void Dispose()
        {
            Updater.Dispose();
            foreach (var weight in Weights) weight.Dispose();
        }

        private static Tensor Weight(Device device, Shape shape, ulong stream) =>
            Tensor.Normal(shape, 0, 1, new RandomKey(9, stream), device);
    }

    [Fact]
    public void A_restored_run_goes_on_to_the_bit()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(1);
        using var scope = device.Scope("test");
        using Run first = new(device), second = new(device);
        first.Steps(3);
        first.Save(folder.File("out/run"));
        second.Steps(1);
        using (var snapshot = Snapshot.Open(folder.File("out/run")))
        {
            Assert.Equal((3, true, new Settings(4, 1e-3)), (snapshot.Step, snapshot.HasOptimizer, snapshot.Configuration<Settings>()));
            Assert.Equal("cab", snapshot.Tokenizer!.Decode([2, 0, 1]));
            snapshot.Restore(second.Weights, second.Updater);
        }

        Assert.Equal(first.Bits(), second.Bits());
        first.Steps(2);
        second.Steps(2);
        Assert.Equal(first.Bits(), second.Bits());
        Assert.Equal([Snapshot.FileName], Directory.GetFiles(folder.File("out/run")).Select(Path.GetFileName));
    }

    [Fact]
    public void Weights_alone_can_be_saved_and_read()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(1);
        using var scope = device.Scope("test");
        using Run first = new(device), second = new(device);
        first.Steps(2);
        Snapshot.Save(folder.Path, first.Weights, null, 2, new Settings(1, 1));
        using var snapshot = Snapshot.Open(folder.Path);
        Assert.False(snapshot.HasOptimizer);
        Assert.Null(snapshot.Tokenizer);
        snapshot.Restore(second.Weights);
        Assert.Equal(first.Weights[0].Value.ToArray(), second.Weights[0].Value.ToArray());
        Assert.Equal("optimizer", Assert.Throws<BadFileException>(() => snapshot.Restore(second.Weights, second.Updater)).Field);
    }

    [Fact]
    public void A_mismatch_is_named_before_anything_changes()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(1);
        using var scope = device.Scope("test");
        using Run run = new(device), wide = new(device, width: 6), unclipped = new(device, clipped: false);
        run.Steps(1);
        run.Save(folder.Path);
        using var snapshot = Snapshot.Open(folder.Path);
        Assert.Equal("blocks.0.weight", Unchanged(wide, wide.Weights).Field);
        Assert.StartsWith("state/", Unchanged(unclipped, unclipped.Weights).Field);
        Assert.Equal("gain", Unchanged(run, run.Weights[..1]).Field);
        Assert.Equal("configuration", Assert.Throws<BadFileException>(() => snapshot.Configuration<OtherSettings>()).Field);

        BadFileException Unchanged(Run into, Parameter[] weights)
        {
            var before = into.Bits();
            var error = Assert.Throws<BadFileException>(() => snapshot.Restore(weights, into.Updater));
            Assert.Equal(before, into.Bits());
            Assert.DoesNotContain('\n', error.Message);
            return error;
        }
    }

    /// <summary>Adjusted settings and learning rates go on; so do the bits.</summary>
    [Fact]
    public void A_restored_run_keeps_its_adjustments()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(1);
        using var scope = device.Scope("test");
        using Run first = new(device), second = new(device);
        first.Steps(2);
        first.Updater.Adjust("learningRate", 3e-3);
        first.Updater.Adjust("beta2", 0.9);
        first.Updater.Adjust("beta2", 0.95);
        first.Updater.Adjust("AdamW.learningRate", 1e-3, of: "gain");
        first.Updater.Adjust("decay", "After");
        first.Save(folder.Path);
        second.Updater.Adjust("epsilon", 0.1); // not of the run that is loaded
        using (var snapshot = Snapshot.Open(folder.Path)) snapshot.Restore(second.Weights, second.Updater);
        Assert.Equal(first.Updater.Adjustments, second.Updater.Adjustments);
        Assert.Equal(4, second.Updater.Adjustments.Count);
        Assert.Equal(first.Updater.Describe(), second.Updater.Describe());
        first.Steps(2);
        second.Steps(2);
        Assert.Equal(first.Bits(), second.Bits());
    }

    [Fact]
    public void Other_settings_than_the_saved_ones_are_named_before_anything_changes()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(1);
        using var scope = device.Scope("test");
        using Run run = new(device), other = new(device, adamW: new AdamW { Beta2 = 0.99 });
        run.Steps(1);
        run.Save(folder.Path);
        var before = other.Bits();
        using var snapshot = Snapshot.Open(folder.Path);
        var error = Assert.Throws<BadFileException>(() => snapshot.Restore(other.Weights, other.Updater));
        Assert.Equal("rules", error.Field);
        Assert.Contains("blocks.0.weight was trained with ClipNorm -> AdamW(AdamW.beta2 0.999), not AdamW.beta2 0.99;", error.Message);
        Assert.Equal(before, other.Bits());
    }

    /// <summary>A file of a version that saved no settings.</summary>
    [Fact]
    public void A_snapshot_without_settings_is_restored()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(1);
        using var scope = device.Scope("test");
        using Run run = new(device), other = new(device);
        run.Steps(2);
        run.Save(folder.Path);
        var writer = new SafeTensorsWriter { HasChecksums = true };
        using (var reader = SafeTensorsReader.Open(folder.File(Snapshot.FileName)))
        {
            foreach (string name in reader.Entries.Keys) Add(writer, reader, name);
            foreach (var (key, value) in reader.Metadata.Where(m => m.Key != "rules" && !m.Key.StartsWith("crc32c")))
                writer.Metadata[key] = value;
        }

        writer.Save(folder.File(Snapshot.FileName));
        using (var snapshot = Snapshot.Open(folder.Path)) snapshot.Restore(other.Weights, other.Updater);
        Assert.Equal(run.Bits(), other.Bits());

        static void Add(SafeTensorsWriter writer, SafeTensorsReader reader, string name)
        {
            var shape = new Shape([.. reader.Entries[name].Sizes]);
            if (reader.Entries[name].Type == "F64") writer.Add<double>(name, reader.Read<double>(name), shape);
            else writer.Add<float>(name, reader.Read<float>(name), shape);
        }
    }

    [Fact]
    public void A_damaged_snapshot_is_named()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(1);
        using var scope = device.Scope("test");
        using var run = new Run(device);
        run.Save(folder.Path);
        string file = folder.File(Snapshot.FileName);
        var whole = File.ReadAllBytes(file);
        Assert.True(Snapshot.Exists(folder.Path));
        foreach (int length in new[] { 0, 7, 100, whole.Length / 2, whole.Length - 1 })
        {
            File.WriteAllBytes(file, whole[..length]);
            Assert.Equal(file, Assert.Throws<BadFileException>(() => Snapshot.Open(folder.Path)).File);
        }

        new SafeTensorsWriter().Save(file);
        Assert.Equal("format", Assert.Throws<BadFileException>(() => Snapshot.Open(folder.Path)).Field);
        File.Delete(file);
        Assert.Contains("does not exist", Assert.Throws<InputException>(() => Snapshot.Open(folder.Path)).Message);
    }

    [Fact]
    public void A_failed_save_leaves_the_old_snapshot_whole_and_nothing_beside_it()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(1);
        using var scope = device.Scope("test");
        using var run = new Run(device);
        run.Save(folder.Path);
        var whole = File.ReadAllBytes(folder.File(Snapshot.FileName));
        run.Steps(1);
        run.Weights[1].Dispose(); // the writer comes upon a freed tensor half-way
        Assert.Throws<ObjectDisposedException>(() => Snapshot.Save(folder.Path, run.Weights, null, 1, new Settings(1, 1)));
        Assert.Equal(whole, File.ReadAllBytes(folder.File(Snapshot.FileName)));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_said_in_one_line()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(1);
        using var scope = device.Scope("test");
        using var run = new Run(device);
        string file = folder.Write("file", "in the way");
        var error = Assert.Throws<InputException>(() => run.Save(file));
        Assert.StartsWith($"Cannot write '{Path.Combine(file, Snapshot.FileName)}': ", error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal("in the way", File.ReadAllText(file));
    }
}
