namespace Mayfly;

/// <summary>
/// The weights that all workers had after the last synchronisation and the momentum of the outer step, as tensors of the updater's own
/// state, which a snapshot holds; and the changes since, which worker and worker exchange.
/// </summary>
internal sealed class OuterState
{
    private const string Outer = "outer.", MomentumOf = "outerMomentum.", RoundNumber = "outerRound", StepNumber = "outerStep";

    /// <summary>Keeps the draws of changes apart from all others of the seed.</summary>
    private const ulong Salt = 0xD110_C0D1_10C0_D110;

    private readonly Updater updater;
    private readonly Part[] parts;

    private sealed record Part(Parameter Parameter, Tensor Weights, Tensor Momentum)
    {
        /// <summary>Vectors are few, and one scale for 256 of their elements would be coarse.</summary>
        public DType SentType => Parameter.Shape.Rank > 1 ? DType.Int8 : DType.F32;
    }

    public OuterState(Updater updater)
    {
        this.updater = updater;
        var trained = updater.Assignments.Select(a => a.Parameter).Where(p => p.Trainable).ToList();
        if (!updater.State.Numbers.Any(n => n.Name == RoundNumber)) Add(updater.State, trained);
        parts = [.. trained.Select(p =>
            new Part(p, updater.State.Tensor(Outer + p.Name), updater.State.Tensor(MomentumOf + p.Name)))];
    }

    /// <summary>The synchronisations done.</summary>
    public int Round { get => (int)updater.State.Number(RoundNumber); private set => updater.State.Number(RoundNumber) = value; }

    /// <summary>The step of the last one.</summary>
    public long Step { get => (long)updater.State.Number(StepNumber); private set => updater.State.Number(StepNumber) = value; }

    /// <summary>The bytes of a worker's changes.</summary>
    public long ChangeBytes => parts.Sum(part => part.SentType.Bytes(part.Parameter.Shape.Count));

    private static void Add(RuleState state, List<Parameter> trained)
    {
        state.AddNumber(RoundNumber, 0);
        state.AddNumber(StepNumber, 0);
        foreach (var parameter in trained)
        {
            var weights = state.AddTensor(Outer + parameter.Name, parameter.Shape, state.Device.Float);
            state.Device.Backend.Copy(parameter.Value.Read(Outer), weights.Write(Outer));
            state.AddTensor(MomentumOf + parameter.Name, parameter.Shape, state.Device.Float);
        }
    }

    /// <summary>
    /// Writes what the inner steps have taken from the weights. A matrix in 8 bits, rounded at random to a multiple of the largest
    /// magnitude of 256 elements / 127: each element is off by less than that, and by nothing on the mean.
    /// </summary>
    /// <exception cref="NonFiniteException">A change is infinite or not a number.</exception>
    public void WriteChanges(string path, ulong seed, int worker)
    {
        var writer = new SafeTensorsWriter { HasChecksums = true };
        using var scope = updater.Device.Scope("Diloco");
        for (int i = 0; i < parts.Length; i++)
        {
            var key = new RandomKey(seed ^ Salt, (ulong)(Round + 1) << 32 | (ulong)worker << 20 | (uint)i);
            writer.Add(parts[i].Parameter.Name, Change(parts[i], key));
        }

        writer.Save(path);
    }

    private static Tensor Change(Part part, RandomKey key)
    {
        float[] old = part.Weights.ToArray(), now = part.Parameter.Value.ToArray();
        for (int i = 0; i < old.Length; i++)
        {
            old[i] -= now[i];
            if (!float.IsFinite(old[i]))
                throw new NonFiniteException($"Diloco: the change of {part.Parameter.Name} has an infinity or NaN.");
        }

        var sent = Received(part);
        if (sent.Type.IsStored()) sent.Rounding = key;
        sent.CopyFrom<float>(old);
        sent.Rounding = null;
        return sent;
    }

    /// <summary>Steps weights and momentum by the mean of the changes in some files, one after the other.</summary>
    /// <exception cref="BadFileException">A file has other tensors.</exception>
    public void Apply(OuterStep outer, SyncRound round, IReadOnlyList<SafeTensorsReader> files)
    {
        foreach (var file in files)
            foreach (var part in parts) file.Check(part.Parameter.Name, part.Parameter.Shape, part.SentType);
        foreach (var part in parts)
        {
            using var scope = updater.Device.Scope("Diloco");
            float[] weights = part.Weights.ToArray(), momentum = part.Momentum.ToArray();
            outer.Apply<float>(weights, momentum, Mean(part, files));
            Set(part, weights, momentum);
        }

        Arrive(round);
    }

    private static float[] Mean(Part part, IReadOnlyList<SafeTensorsReader> files)
    {
        var change = Received(part);
        var mean = new float[part.Parameter.Shape.Count];
        foreach (var file in files)
        {
            file.ReadInto(part.Parameter.Name, change);
            float[] one = change.ToArray();
            for (int i = 0; i < mean.Length; i++) mean[i] += one[i];
        }

        for (int i = 0; i < mean.Length; i++) mean[i] /= files.Count;
        return mean;
    }

    /// <summary>Writes weights and momentum for a worker that joins.</summary>
    public void Write(string path)
    {
        var writer = new SafeTensorsWriter { HasChecksums = true };
        foreach (var part in parts)
        {
            writer.Add(Outer + part.Parameter.Name, part.Weights);
            writer.Add(MomentumOf + part.Parameter.Name, part.Momentum);
        }

        writer.Save(path);
    }

    /// <summary>Takes weights and momentum of another worker.</summary>
    /// <exception cref="BadFileException">The file is damaged, or has other tensors.</exception>
    public void Read(string path, SyncRound round)
    {
        using var file = SafeTensorsReader.Open(path);
        file.Verify();
        foreach (var part in parts)
        {
            file.Check(Outer + part.Parameter.Name, part.Parameter.Shape, DType.F32);
            file.Check(MomentumOf + part.Parameter.Name, part.Parameter.Shape, DType.F32);
        }

        foreach (var part in parts)
            Set(part, file.Read<float>(Outer + part.Parameter.Name), file.Read<float>(MomentumOf + part.Parameter.Name));
        Arrive(round);
    }

    private static void Set(Part part, float[] weights, float[] momentum)
    {
        part.Weights.CopyFrom<float>(weights);
        part.Momentum.CopyFrom<float>(momentum);
        part.Parameter.Value.CopyFrom<float>(weights);
    }

    private void Arrive(SyncRound round) => (Round, Step, updater.GlobalStep) = (round.Round, round.Step, round.Step);

    private static Tensor Received(Part part) =>
        Tensor.Empty(part.Weights.Device, part.Parameter.Shape, part.SentType, Use.Scratch, part.Parameter.Name);
}
