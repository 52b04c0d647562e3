namespace TrainGpt;

/// <summary>Which snapshot of a run is taken.</summary>
internal enum SnapshotChoice
{
    Last,
    Best,
}

/// <summary>
/// The options of a command: each is a property with a <see cref="SettingAttribute"/>, and nothing else says anything about it.
/// </summary>
internal abstract record CommandOptions
{
    public const string Cpu = "cpu";

    [Setting("The folder of the run: its snapshots, log.csv and config.json.", Kind = "FOLDER")]
    public virtual string Out { get; init; } = "out";

    [Setting("The snapshot to take: the last one, or the best one, which had the least validation loss; of train with --resume.")]
    public SnapshotChoice From { get; init; }

    [Setting(
        "Where to compute: cpu, cuda:0, opencl:0 (and further numbers), auto for the first of these that is there, or ilgpu-cpu, "
            + "the GPU's kernels on the host for tests of tiny models; devices lists them.",
        Phase.Course,
        Kind = "NAME")]
    public string Device { get; init; } = Cpu;

    [Setting("Computing threads of the CPU; 0 takes every core. They do not change the result.", Phase.Place, Min = 0, Max = 1024)]
    public int Threads { get; init; }

    /// <summary>These with the values that open ones stand for.</summary>
    public virtual CommandOptions Used() => this;
}
