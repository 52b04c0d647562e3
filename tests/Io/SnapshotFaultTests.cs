using System.Text;

namespace Mayfly.Tests;

/// <summary>
/// Whatever fails while a snapshot is saved, and whatever bit flips afterwards: a whole snapshot is found, and never half of one.
/// </summary>
public class SnapshotFaultTests
{
    /// <summary>Bytes from one place to the next; the last places, with the flush and the renames, are all tried.</summary>
    private const int Stride = 29, Near = 24;

    private sealed record Settings(int Layers);

    /// <summary>One weight whose elements are all the number of steps, so that a mixture would show.</summary>
    private sealed class Run : IDisposable
    {
        private readonly Device device = Device.CreateCpu(1);
        private readonly Scope scope;

        public Run()
        {
            scope = device.Scope("test");
            Weights = [new Parameter("weight", Tensor.Zeros(7, device), Role.Hidden)];
            Updater = new Updater(Weights, Route.Default(new AdamW()));
        }

        public Parameter[] Weights { get; }

        public Updater Updater { get; }

        public void Save(string folder, int step, Disk? disk = null)
        {
            Weights[0].Value.Fill(step);
            Updater.GlobalStep = step;
            using (disk is null ? null : Disk.Use(disk)) Snapshot.Save(folder, Weights, Updater, step, new Settings(1));
        }

        /// <summary>The step of the snapshot that opens; its weights have to be of that step.</summary>
        public (long Step, string? Warning) Open(string folder)
        {
            using var snapshot = Snapshot.Open(folder);
            snapshot.Restore(Weights, Updater);
            Assert.All(Weights[0].Value.ToArray(), value => Assert.Equal(snapshot.Step, value));
            return (snapshot.Step, snapshot.Warning);
        }

        public void Dispose()
        {
            Updater.Dispose();
            foreach (var weight in Weights) weight.Dispose();
            scope.Dispose();
            device.Dispose();
        }
    }

    [Theory]
    [InlineData(Fault.Refused)]
    [InlineData(Fault.Dies)]
    [InlineData(Fault.Lost)]
    public void At_every_place_of_a_fault_a_whole_snapshot_remains(Fault fault)
    {
        using var folder = new TemporaryFolder();
        using var run = new Run();
        var counting = new FaultyDisk(fault, long.MaxValue);
        run.Save(folder.File("count"), 1, counting);
        Assert.InRange(counting.Places, 500, 5000);
        int sawOld = 0, sawNew = 0;
        long end = counting.Places + 2; // one rename more than without a snapshot before it, and one place without a fault
        for (long place = 0; place < end; place = place < end - Near ? Math.Min(place + Stride, end - Near) : place + 1)
        {
            Restart(run, folder.File("run"));
            bool failed = Record.Exception(() => run.Save(folder.File("run"), 3, new FaultyDisk(fault, place))) is InputException;
            var (step, _) = run.Open(folder.File("run"));
            Assert.True(step == 3 || step == 2, $"Place {place} of {counting.Places}: step {step}.");
            Assert.True(failed || fault == Fault.Lost || step == 3, $"Place {place}: saving succeeded but step {step} opens.");
            if (step == 2) sawOld++;
            else sawNew++;
            run.Save(folder.File("run"), 4, new FaultyDisk(fault, long.MaxValue)); // and the next one works
            Assert.Equal((4, null), run.Open(folder.File("run")));
        }

        Assert.True(sawOld > 500 / Stride && sawNew > 0, $"{sawOld} old and {sawNew} new ones.");
    }

    private static void Restart(Run run, string folder)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        run.Save(folder, 1, new FaultyDisk(Fault.Lost, long.MaxValue));
        run.Save(folder, 2, new FaultyDisk(Fault.Lost, long.MaxValue));
    }

    [Fact]
    public void A_flipped_bit_is_found_wherever_it_is()
    {
        using var folder = new TemporaryFolder();
        using var run = new Run();
        Restart(run, folder.Path + "/run");
        string newest = folder.File("run/" + Snapshot.FileName);
        var whole = File.ReadAllBytes(newest);
        for (int i = 0; i < whole.Length; i += 13)
        {
            whole[i] ^= (byte)(1 << i % 8);
            File.WriteAllBytes(newest, whole);
            var (step, warning) = run.Open(folder.File("run"));
            Assert.True(step == 1, $"Byte {i}: step {step}.");
            Assert.StartsWith(newest, warning);
            whole[i] ^= (byte)(1 << i % 8);
        }
    }

    [Fact]
    public void A_flipped_bit_in_a_weight_is_named_with_its_tensor()
    {
        using var folder = new TemporaryFolder();
        using var run = new Run();
        run.Save(folder.Path, 1);
        string file = folder.File(Snapshot.FileName);
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.AsSpan().LastIndexOf(new byte[] { 0x80, 0x3F })] ^= 1; // the last 1.0f
        File.WriteAllBytes(file, bytes);
        var error = Assert.Throws<BadFileException>(() => Snapshot.Open(folder.Path));
        Assert.Equal((file, "weight"), (error.File, error.Field));
    }

    [Fact]
    public void The_last_two_are_kept_and_a_damaged_one_does_not_push_out_a_whole_one()
    {
        using var folder = new TemporaryFolder();
        using var run = new Run();
        for (int step = 1; step <= 3; step++) run.Save(folder.Path, step);
        Assert.Equal([Snapshot.PreviousFileName, Snapshot.FileName], Directory.GetFiles(folder.Path).Select(Path.GetFileName)
            .Order(StringComparer.Ordinal));
        Assert.Equal((3, null), run.Open(folder.Path));

        File.WriteAllText(folder.File(Snapshot.FileName), "damaged");
        Assert.Equal(2, run.Open(folder.Path).Step);
        Assert.Throws<InputException>(() => run.Save(folder.Path, 4, new FaultyDisk(Fault.Dies, 600)));
        Assert.Equal(2, run.Open(folder.Path).Step);
        run.Save(folder.Path, 4);
        File.Delete(folder.File(Snapshot.FileName));
        Assert.True(Snapshot.Exists(folder.Path));
        Assert.Equal(2, run.Open(folder.Path).Step);

        File.WriteAllText(folder.File(Snapshot.PreviousFileName), "damaged");
        Assert.Contains("The previous one is no help", Assert.Throws<InputException>(() => Snapshot.Open(folder.Path)).Message);
    }

    [Fact]
    public void An_open_or_torn_step_is_not_saved()
    {
        using var folder = new TemporaryFolder();
        using var run = new Run();
        run.Updater.Begin();
        Assert.Contains("step 1 is open", Refused());
        run.Updater.Abandon();
        run.Save(folder.Path, 1);
        File.Delete(folder.File(Snapshot.FileName));

        run.Updater.Begin();
        using (var tape = Tape.Record(run.Updater.Device, run.Updater.Random)) run.Updater.Backward(tape,
            (run.Weights[0].Value * run.Weights[0].Value).Sum());
        Assert.Contains("is open", Refused());
        run.Updater.Abandon();
        Assert.True(run.Updater.Torn);
        Assert.Contains("torn", Refused());
        Assert.Empty(Directory.GetFiles(folder.Path));

        string Refused() => Assert.Throws<InvalidOperationException>(() =>
            Snapshot.Save(folder.Path, run.Weights, run.Updater, 1, new Settings(1))).Message;
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void What_is_not_finite_is_named_and_takes_no_place(float value)
    {
        using var folder = new TemporaryFolder();
        using var run = new Run();
        for (int step = 1; step <= 2; step++) run.Save(folder.Path, step);
        var before = Directory.GetFiles(folder.Path).Order().Select(file => (file, Convert.ToHexString(File.ReadAllBytes(file)))).ToList();
        var moment = run.Updater.States[0].Tensors.First();
        moment.Value.Fill(value);
        Assert.Contains($"'state/weight/{moment.Name}' has an infinity or NaN", Refused(3));
        moment.Value.Fill(0);
        Assert.Contains("'weight' has an infinity or NaN", Refused(value));
        Assert.Equal(before, Directory.GetFiles(folder.Path).Order().Select(file => (file, Convert.ToHexString(File.ReadAllBytes(file)))));

        string Refused(float step)
        {
            run.Weights[0].Value.Fill(step);
            return Assert.Throws<NonFiniteException>(() =>
                Snapshot.Save(folder.Path, run.Weights, run.Updater, 3, new Settings(1))).Message;
        }
    }

    [Theory]
    [InlineData("F64", 8, 0x7FF0)]
    [InlineData("F32", 4, 0x7F80)]
    [InlineData("BF16", 2, 0x7F80)]
    [InlineData("F16", 2, 0x7C00)]
    public void An_exponent_of_ones_is_found_at_every_place(string type, int size, int top)
    {
        var bytes = new byte[77 * size];
        bytes.AsSpan().Fill(0x3B);
        Assert.True(SafeTensors.AreFinite(type, bytes));
        for (int end = size; end <= bytes.Length; end += size)
        {
            (bytes[end - 1], bytes[end - 2]) = ((byte)(top >> 8), (byte)top);
            Assert.False(SafeTensors.AreFinite(type, bytes));
            (bytes[end - 1], bytes[end - 2]) = (0x3B, 0x3B);
        }
    }

    [Fact]
    public void The_best_one_stays_while_others_come()
    {
        using var folder = new TemporaryFolder();
        using var run = new Run();
        run.Save(folder.Path, 1);
        Snapshot.KeepBest(folder.Path);
        Snapshot.KeepBest(folder.Path);
        for (int step = 2; step <= 4; step++) run.Save(folder.Path, step);
        using (var best = Snapshot.OpenBest(folder.Path)) Assert.Equal((1, null), (best.Step, best.ValidationLoss));
        run.Weights[0].Value.Fill(7);
        Snapshot.SaveBest(folder.Path, run.Weights, run.Updater, 7, new Settings(1), null, 1.25);
        using (var best = Snapshot.OpenBest(folder.Path)) Assert.Equal((7, 1.25), (best.Step, best.ValidationLoss));
        Assert.Equal((4, null), run.Open(folder.Path));
        Assert.Equal(3, Directory.GetFiles(folder.Path).Length);
    }

    [Theory]
    [InlineData("", 0u)]
    [InlineData("123456789", 0xE3069283u)] // the check value of CRC-32C in the catalogue of parametrised CRC algorithms
    [InlineData("The quick brown fox jumps over the lazy dog", 0x22620404u)]
    public void The_checksum_is_crc_32c(string text, uint sum)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        Assert.Equal(sum, Checksums.Append(0, bytes));
        for (int i = 0; i <= bytes.Length; i++)
            Assert.Equal(sum, Checksums.Append(Checksums.Append(0, bytes.AsSpan(0, i)), bytes.AsSpan(i)));
    }
}
