namespace TrainGpt;

/// <summary>What <c>--checkpoint-blocks</c> means: a policy, or the bytes within which a run is to stay at the least cost.</summary>
/// <param name="Policy">The policy; where there are bytes, it is found before the model is made.</param>
/// <param name="Within">The bytes, or null.</param>
internal readonly record struct CheckpointChoice(CheckpointPolicy Policy, long? Within)
{
    /// <summary>A policy.</summary>
    public static implicit operator CheckpointChoice(CheckpointPolicy policy) => new(policy, null);

    /// <summary>All blocks or none.</summary>
    public static implicit operator CheckpointChoice(bool all) => new(all, null);

    /// <summary>A choice by its word.</summary>
    /// <exception cref="FormatException">There is none of this word.</exception>
    public static CheckpointChoice Parse(string text) => CheckpointPolicy.TryParse(text) is { } policy ? policy
        : ByteSize.TryParse(text) is { } bytes ? new CheckpointChoice(default, bytes)
        : throw new FormatException(": none, all, sqrt, every-N, first-N or bytes such as 4GiB are needed.");

    /// <summary>The word.</summary>
    public override string ToString() => Within is { } bytes ? SettingText.Write(bytes) : Policy.ToString();
}
