using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mayfly;

/// <summary>
/// Which blocks of a model the backward sweep runs again instead of keeping what they made. Every policy gives the same bits. As text and
/// in JSON: <c>none</c>, <c>all</c>, <c>every-2</c>, <c>first-3</c>, <c>sqrt</c>; true stands for all, false for none.
/// </summary>
[JsonConverter(typeof(Json))]
public readonly record struct CheckpointPolicy
{
    private const string EveryWord = "every-", FirstWord = "first-";

    private CheckpointPolicy(Form kind, int count) => (Kind, Count) = (kind, count);

    private enum Form
    {
        None,
        All,
        Sqrt,
        Every,
        First,
    }

    /// <summary>No block: all that backward needs is kept.</summary>
    public static CheckpointPolicy None => default;

    /// <summary>Every block: about one more forward pass, and of what blocks make only their inputs are kept.</summary>
    public static CheckpointPolicy All => new(Form.All, 0);

    /// <summary>
    /// Segments of about sqrt(layers) blocks, within which each block is a segment again (Chen et al., "Training deep nets with sublinear
    /// memory cost", 2016): about two more forward passes, and of the blocks' inputs only some 2 sqrt(layers) are kept at one time.
    /// </summary>
    public static CheckpointPolicy Sqrt => new(Form.Sqrt, 0);

    /// <summary>True where some block is run again.</summary>
    public bool IsAny => Kind != Form.None;

    private Form Kind { get; }

    private int Count { get; }

    /// <summary>The first block and every k-th after it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">k below 1.</exception>
    public static CheckpointPolicy Every(int k) => new(Form.Every, AtLeastOne(k, nameof(k)));

    /// <summary>
    /// The first blocks. Of as many blocks these save most: those after them are freed by the time the sweep runs them again.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A count below 1.</exception>
    public static CheckpointPolicy First(int count) => new(Form.First, AtLeastOne(count, nameof(count)));

    /// <summary>All or none.</summary>
    public static implicit operator CheckpointPolicy(bool all) => all ? All : None;

    /// <summary>A policy by its text.</summary>
    /// <exception cref="FormatException">There is none of this text.</exception>
    public static CheckpointPolicy Parse(string text) => TryParse(text) ?? throw new FormatException(
        $"'{text}' is no checkpoint policy; there are none, all, sqrt, every-N and first-N.");

    /// <summary>A policy by its text; null where there is none.</summary>
    public static CheckpointPolicy? TryParse(string text) => text switch
    {
        "none" or "false" => None,
        "all" or "true" => All,
        "sqrt" => Sqrt,
        _ when CountAfter(EveryWord, text) is { } k => Every(k),
        _ when CountAfter(FirstWord, text) is { } count => First(count),
        _ => null,
    };

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
    public override string ToString() => Kind switch
    {
        Form.Every => string.Create(CultureInfo.InvariantCulture, $"{EveryWord}{Count}"),
        Form.First => string.Create(CultureInfo.InvariantCulture, $"{FirstWord}{Count}"),
        _ => Kind.ToString().ToLowerInvariant(),
    };

    /// <summary>True where a block is a segment of its own.</summary>
    public bool Recomputes(int block) => Kind switch
    {
        Form.None => false,
        Form.Every => block % Count == 0,
        Form.First => block < Count,
        _ => true,
    };

    /// <summary>The blocks of a segment around those of single blocks; 1 where there is none.</summary>
    public int SegmentSize(int layers) => Kind == Form.Sqrt ? (int)Math.Ceiling(Math.Sqrt(layers)) : 1;

    private static int? CountAfter(string word, string text) => text.StartsWith(word, StringComparison.Ordinal)
        && int.TryParse(text.AsSpan(word.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0
        ? count
        : null;

    private static int AtLeastOne(int count, string name) =>
        count >= 1 ? count : throw new ArgumentOutOfRangeException(name, $"CheckpointPolicy: {count} blocks; give at least 1.");

    private sealed class Json : JsonConverter<CheckpointPolicy>
    {
        /// <summary>Earlier versions wrote a truth value.</summary>
        public override CheckpointPolicy Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType switch
            {
                JsonTokenType.True => All,
                JsonTokenType.False => None,
                JsonTokenType.String => TryParse(reader.GetString()!)
                    ?? throw new JsonException($"'{reader.GetString()}' is no checkpoint policy."),
                _ => throw new JsonException("a checkpoint policy is a text, such as all."),
            };

        public override void Write(Utf8JsonWriter writer, CheckpointPolicy value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}
