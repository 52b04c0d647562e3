namespace TrainGpt;

/// <summary>What an option belongs to: it decides where the option is kept, and whether a resumed run may change it.</summary>
internal enum Phase
{
    /// <summary>One call of the program: what it reads and writes. It is kept nowhere.</summary>
    Call,

    /// <summary>
    /// Where and how a run goes on, which changes no bit of it. It is kept in <c>config.json</c>, not in snapshots, and may always change.
    /// </summary>
    Place,

    /// <summary>What may change at a snapshot. A resumed run says what did.</summary>
    Course,

    /// <summary>What decides the bits of a run from its first step on. A resumed run may not change it.</summary>
    Run,

    /// <summary>The model's shape: like <see cref="Run"/>, and a published model has it already.</summary>
    Shape,
}

/// <summary>
/// Declares an option of the command line: a property of a <see cref="CommandOptions"/>, whose name is the option's and whose initial value
/// is its default. A property that can be null is open: what it stands for depends on others, as <see cref="CommandOptions.Used"/> says.
/// </summary>
/// <param name="help">What it is, in whole sentences.</param>
/// <param name="phase">What it belongs to.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SettingAttribute(string help, Phase phase = Phase.Call) : Attribute
{
    public string Help => help;

    public Phase Phase => phase;

    /// <summary>The type whose static <c>Help</c> ends the help.</summary>
    public Type? More { get; init; }

    /// <summary>The range of a number.</summary>
    public double Min { get; init; } = double.NegativeInfinity;

    public double Max { get; init; } = double.PositiveInfinity;

    /// <summary>What help calls a value, where neither its type nor <see cref="Words"/> says more.</summary>
    public string? Kind { get; init; }

    /// <summary>The type whose static <c>Names</c> are the values; those of an enum are known without, unless some are left out.</summary>
    public Type? Words { get; init; }

    /// <summary>What an open one stands for, or why.</summary>
    public string? Otherwise { get; init; }

    /// <summary>The word that leaves an open one open.</summary>
    public string? Open { get; init; }

    /// <summary>The word that the option's name alone stands for.</summary>
    public string? Alone { get; init; }

    /// <summary>The option of words that an open one depends on: help shows what it is for each.</summary>
    public string? By { get; init; }

    /// <summary>What it is read from: where the command line changes one of these, a configuration file's value no longer holds.</summary>
    public string[] From { get; init; } = [];

    /// <summary>True for the name of a file or folder, which holds in every folder.</summary>
    public bool IsPath { get; init; }

    /// <summary>The type whose static <c>Names</c> can stand in the place of such a name.</summary>
    public Type? Instead { get; init; }

    /// <summary>The settings of a <see cref="Rule"/> that it changes: of several the first that the rule or its fallback has.</summary>
    public string[] Keys { get; init; } = [];

    /// <summary>The property of <see cref="ModelConfig"/> that it sets, where that has another name.</summary>
    public string? Field { get; init; }
}
