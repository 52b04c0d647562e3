using System.Text;
using System.Text.Json.Nodes;

namespace Mayfly;

/// <summary>Writes tokenizer.json and tokenizer_config.json.</summary>
internal static class HuggingFaceTokens
{
    /// <summary>Writes both, and the ids of the special tokens into the model's config.</summary>
    public static void Save(Tokenizer tokenizer, string folder, JsonObject config, ModelExport export)
    {
        if (PlainDefinition.Of(tokenizer) is not { } definition) return;
        Files.Replace(Path.Combine(folder, "tokenizer.json"), stream => HuggingFaceWriter.Write(stream, definition));
        config["bos_token_id"] = definition.Begin ?? definition.End;
        config["eos_token_id"] = definition.End;
        var settings = new JsonObject
        {
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["model_max_length"] = export.Model.Context,
            ["clean_up_tokenization_spaces"] = false,
            ["add_bos_token"] = definition.Begin is not null,
            ["bos_token"] = Text(definition, definition.Begin ?? definition.End),
            ["eos_token"] = Text(definition, definition.End),
            ["unk_token"] = Text(definition, definition.Unknown < 0 ? null : definition.Unknown),
        };
        if (export.Options.ChatTemplate is { } template) settings["chat_template"] = template;
        HuggingFaceExport.WriteJson(Path.Combine(folder, "tokenizer_config.json"), settings);
    }

    private static string? Text(TokenizerDefinition definition, int? id) =>
        id is { } known && definition.Tokens[known] is { } token ? Encoding.UTF8.GetString(token) : null;
}
