using System.Text.Json.Nodes;

namespace TrainGpt;

/// <summary>The meetings of a run's workers in <c>--sync-folder</c>.</summary>
internal sealed class Meetings(TrainOptions options, Updater updater, CommandContext context)
{
    private readonly Diloco diloco = new(updater, options.SyncFolder!, new DilocoOptions
    {
        Worker = options.Worker,
        Workers = options.Workers,
        Every = options.SyncEvery!.Value,
        Wait = TimeSpan.FromSeconds(options.SyncWait),
        Outer = new OuterStep { LearningRate = options.OuterLearningRate, Momentum = options.OuterMomentum },
        Seed = options.Seed,
    });

    /// <summary>Finds out whether all have the same settings, version and, where this one begins, weights.</summary>
    /// <exception cref="InputException">They have not; the message names the first difference.</exception>
    public void Agree(LanguageModel model)
    {
        var settings = ConfigurationFile.Write(options, Phase.Run);
        settings.Remove(Declaration.Of<TrainOptions>(nameof(TrainOptions.Worker)).Name);
        foreach (var option in Declaration.Of<TrainOptions>().Where(o => o.IsPath)) settings.Remove(option.Name); // each has its own disk
        settings["version"] = typeof(Tensor).Assembly.GetName().Version!.ToString();
        if (updater.GlobalStep == 0) settings["weights"] = Agreement.WeightHash(model.Parameters());
        var first = (JsonObject)JsonNode.Parse(diloco.Agree(settings.ToJsonString()))!;
        foreach (var (name, value) in settings)
            if (first.TryGetPropertyValue(name, out var other) && value?.ToJsonString() != other?.ToJsonString())
                throw new InputException($"--sync-folder {options.SyncFolder}: its workers have {name} {other?.ToJsonString() ?? "none"}, "
                    + $"this one has {value?.ToJsonString() ?? "none"}: start all with the same program, options and files.");
    }

    /// <summary>Catches up with workers that are ahead, and meets those that wait since a run was stopped.</summary>
    public void Begin(CancellationToken stop)
    {
        if (diloco.HasMissed) context.Warn($"The workers of '{options.SyncFolder}' are ahead; this one goes on with their weights.");
        diloco.Start();
        Meet(stop);
    }

    /// <summary>Meets the others, if it is time; what is stopped while it waits is due when the run goes on.</summary>
    public void Meet(CancellationToken stop)
    {
        if (!diloco.IsDue && !(updater.GlobalStep >= options.Steps && diloco.IsBehind)) return;
        try
        {
            Report(diloco.Synchronise(stop));
        }
        catch (OperationCanceledException)
        {
            // the run ends before its next step, and is saved
        }
    }

    /// <summary>Says that a snapshot was saved.</summary>
    public void Saved() => diloco.Saved();

    private void Report(SyncRound round)
    {
        if (round.LeftOut.Length > 0)
            context.Warn($"Step {round.Step}: worker {string.Join(", ", round.LeftOut)} did not come within {options.SyncWait} s; "
                + $"the others go on.");
        if (!round.Workers.Contains(options.Worker))
            context.Warn($"Step {round.Step}: this worker came too late, and goes on with the weights of the others.");
    }
}
