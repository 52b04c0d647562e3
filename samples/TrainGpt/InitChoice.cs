using System.Globalization;

namespace TrainGpt;

/// <summary>What <c>train --init</c> means: weights, shape and tokenizer of a model that others trained.</summary>
internal static class InitChoice
{
    /// <summary>Opens the model; null where none is named.</summary>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static PretrainedModel? Open(TrainOptions options) => options.Init is { } path ? PretrainedModel.Open(path) : null;

    /// <summary>
    /// The settings with the model's shape in them, as if they had been given, so that all that follows sees them. A shorter context is
    /// allowed where positions are not learned.
    /// </summary>
    /// <exception cref="InputException">A setting contradicts the model.</exception>
    public static TrainOptions Over(TrainOptions options, PretrainedModel pretrained)
    {
        var shape = pretrained.Config;
        string kind = shape is LlamaConfig ? ModelChoice.Llama : ModelChoice.Gpt;
        if (options.Model != kind && options.Model != new TrainOptions().Model)
            throw Contradicts(options, nameof(TrainOptions.Model), options.Model, kind);
        int context = options.Context ?? Math.Min(shape.Context, LongestContext);
        if (context > shape.Context || (context < shape.Context && shape is GptConfig))
            throw Contradicts(options, nameof(TrainOptions.Context), Text(context), Text(shape.Context));
        foreach (var (option, value) in ModelChoice.ShapeOf(shape))
            if (option.Get(options) is { } asked && !asked.Equals(value))
                throw Contradicts(options, option.PropertyName, SettingText.Write(asked), SettingText.Write(value));
        options = options with { Model = kind, Context = context, Template = Template(options, pretrained) };
        return ModelChoice.ShapeOf(shape).Aggregate(options, (used, field) => field.Option.With(used, field.Value));
    }

    /// <summary>The template that is asked for, or the model's own, where it is one of those known.</summary>
    private static string Template(TrainOptions options, PretrainedModel pretrained) =>
        options.Template == TemplateChoice.Fitting && pretrained.ChatTemplate is { } jinja && ChatTemplate.Find(jinja) is { } known
            ? known.Name : options.Template;

    /// <summary>The tokenizer that is given, or that of the model.</summary>
    /// <exception cref="InputException">There is none, or the model has not as many tokens.</exception>
    public static Tokenizer Tokenizer(TrainOptions options, PretrainedModel pretrained)
    {
        var tokenizer = TokenizerChoice.Open(options.Tokenizer) ?? pretrained.Tokenizer
            ?? throw new InputException($"No tokenizer lies with '{pretrained.Path}'; give one by --tokenizer.");
        return tokenizer.VocabularySize == pretrained.Config.VocabularySize ? tokenizer : throw new InputException(
            $"The tokenizer has {tokenizer.VocabularySize} tokens and '{pretrained.Path}' {pretrained.Config.VocabularySize}; "
                + "give the model's own by --tokenizer.");
    }

    /// <summary>What options can say.</summary>
    private static int LongestContext => (int)Declaration.Of<TrainOptions>(nameof(TrainOptions.Context)).Range.Max;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static InputException Contradicts(TrainOptions options, string property, string asked, string has) =>
        new($"--{SettingText.Kebab(property)} {asked} contradicts --init {options.Init}, which has {has}; leave the option out.");
}
