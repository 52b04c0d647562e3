namespace TrainGpt;

/// <summary>A model from a run's folder, for use.</summary>
internal sealed class TrainedModel : IDisposable
{
    private readonly Device device;

    private readonly string? own;

    private TrainedModel(Device device, LanguageModel model, Tokenizer tokenizer, TrainOptions options, string? own) =>
        (this.device, Model, Tokenizer, Options, this.own) = (device, model, tokenizer, options, own);

    /// <summary>The model, in evaluation mode.</summary>
    public LanguageModel Model { get; }

    /// <summary>Its tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The settings it was trained with.</summary>
    public TrainOptions Options { get; }

    /// <summary>The template of chats in Jinja's language: that of the model of others, or the run's; or null.</summary>
    public string? Jinja => own ?? (Options.Template == TemplateChoice.Fitting ? null : ChatTemplate.Named(Options.Template).Jinja);

    /// <summary>Loads a run's snapshot.</summary>
    /// <param name="options">The folder and the device.</param>
    /// <param name="context">Hears of warnings.</param>
    /// <param name="check">Refuses what does not fit the run before its model is made, which takes longer.</param>
    /// <exception cref="InputException">There is none, or it is damaged.</exception>
    /// <exception cref="DeviceUnavailableException">There is no such device.</exception>
    public static TrainedModel Load(
        CommandOptions options, CommandContext context, Action<ModelConfig, TrainOptions, Tokenizer>? check = null)
    {
        if (options is ModelOptions { Init: { } path } given) return Load(path, given, check);
        if (options is ModelOptions { Adapter: not null }) throw new InputException("--adapter is for --init; a run has its own.");
        var (snapshot, shape, settings, tokenizer) = new RunFolder(options.Out).Open(context, options.From);
        using (snapshot)
        {
            check?.Invoke(shape, settings, tokenizer);
            using var pretrained = FineTuning.HasAdapters(settings) ? InitChoice.Open(settings) : null;
            var device = Device.Open(options.Device, options.Threads);
            try
            {
                var model = FineTuning.Make(settings, shape, device, pretrained);
                FineTuning.Checked(settings, model);
                snapshot.Restore(FineTuning.Saved(settings, model));
                model.Eval();
                return new TrainedModel(device, model, tokenizer, settings, pretrained?.ChatTemplate);
            }
            catch
            {
                device.Dispose();
                throw;
            }
        }
    }

    /// <summary>Loads a model that others trained.</summary>
    private static TrainedModel Load(string path, ModelOptions options, Action<ModelConfig, TrainOptions, Tokenizer>? check)
    {
        using var pretrained = PretrainedModel.Open(path);
        var tokenizer = TokenizerChoice.Open(options.Tokenizer) ?? pretrained.Tokenizer ?? throw new InputException(
            $"No tokenizer lies with '{path}'; give one by --tokenizer.");
        if (tokenizer.VocabularySize > pretrained.Config.VocabularySize)
            throw new InputException($"The tokenizer has {tokenizer.VocabularySize} tokens, more than the "
                + $"{pretrained.Config.VocabularySize} of '{path}'; give the model's own by --tokenizer.");
        var settings = new TrainOptions();
        check?.Invoke(pretrained.Config, settings, tokenizer);
        var device = Device.Open(options.Device, options.Threads);
        var model = ModelChoice.Create(pretrained.Config, device, settings.Seed);
        pretrained.LoadInto(model);
        if (options.Adapter is { } adapter) LoraFile.Load(model, adapter);
        model.Eval();
        return new TrainedModel(device, model, tokenizer, settings, pretrained.ChatTemplate);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Model.Dispose();
        device.Dispose();
    }
}
