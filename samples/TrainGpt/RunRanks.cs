using System.Text.Json;
using System.Text.Json.Nodes;

namespace TrainGpt;

/// <summary>
/// The processes of a run. All do the same, each on its part of every batch; the first alone writes files and speaks. Until they have
/// agreed, the error of any is told by the first; afterwards by who has it, which ends the others.
/// </summary>
internal sealed class RunRanks : IDisposable
{
    /// <summary>Launchers end all processes a second after they were told to end.</summary>
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(0.4);

    private readonly ICollectives ranks;
    private readonly TextWriter errors;
    private readonly string version;
    private bool hasAgreed;

    private RunRanks(ICollectives ranks, CommandContext context)
    {
        (this.ranks, errors, version) = (ranks, context.Errors, context.Version);
        if (ranks.Ranks > 1) Exchange = new DataParallel(ranks);
    }

    /// <summary>What sums gradients; null where there is one process.</summary>
    public DataParallel? Exchange { get; }

    /// <summary>This one's number.</summary>
    public int Rank => ranks.Rank;

    /// <summary>How many there are.</summary>
    public int Count => ranks.Ranks;

    /// <summary>True for the one that writes and speaks.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>Says who they are, or nothing.</summary>
    public string? Summary => Exchange is null ? null : $"Ranks: {Count} by {ranks.Name}.";

    /// <summary>Runs a command on all processes that were launched together, of which the first speaks.</summary>
    /// <exception cref="ToldException">It failed, and that was said already.</exception>
    public static void Run(CommandContext context, Action<RunRanks, CommandContext> command)
    {
        using var all = Join(context);
        try
        {
            command(all, all.IsFirst ? context : context.Silent());
        }
        catch (Exception e) when (all.Count > 1 && e is not ToldException)
        {
            all.Fail(e);
            throw;
        }
    }

    private static RunRanks Join(CommandContext context)
    {
        try
        {
            return new RunRanks(context.Join(), context);
        }
        catch (InputException e) when (Launcher.Rank > 0)
        {
            throw new ToldException(e); // by the first
        }
    }

    /// <summary>True where one of them wants to; all ask at the same place.</summary>
    public bool Any(bool wants)
    {
        double count = wants ? 1 : 0;
        Exchange?.Sum(new Span<double>(ref count));
        return count > 0;
    }

    /// <summary>What ends an operation in which all take part: they end together, so no signal to one of them does.</summary>
    public CancellationToken Stop(CommandContext context) => Exchange is null ? context.Stop : CancellationToken.None;

    /// <summary>
    /// Has the first say how to go on where it is told to end while another does not answer, as one does that has died: its launcher may
    /// end all before they can say anything else.
    /// </summary>
    public IDisposable Watch(CancellationToken stop, Func<string> wayOn)
    {
        return stop.Register(() => _ = Say());

        async Task Say()
        {
            await Task.Delay(patience).ConfigureAwait(false);
            if (IsFirst && Exchange?.Queue.Pending > patience / 2)
                errors.WriteLine($"warning: The run was told to end while another process does not answer, which may have died. {wayOn()}");
        }
    }

    /// <summary>Waits for all; the error of one becomes the error of all.</summary>
    /// <exception cref="InputException">One has failed; the message names it.</exception>
    public void Meet() => Tell("");

    /// <summary>What the first says, told to all.</summary>
    public string OfFirst(string text) => Tell(text)[0];

    /// <summary>An error that all have alike.</summary>
    public InputException Agreed(string message, Exception cause) =>
        Exchange is null ? new InputException(message, cause) : new AgreedException(message);

    /// <summary>Finds out whether all have the same settings, files and version, before anything is written.</summary>
    /// <exception cref="InputException">They have not; the message names the first difference.</exception>
    public void Agree(TrainOptions options, long step)
    {
        if (Exchange is null) return;
        var settings = ConfigurationFile.Write(options, Phase.Course);
        foreach (var option in Declaration.Of<TrainOptions>().Where(o => o.IsPath)) settings.Remove(option.Name); // each has its own disk
        settings["version"] = version;
        settings["step"] = step;
        CheckSame(Tell(settings.ToJsonString()));
        hasAgreed = options.Shard; // from here on they send each other weights
    }

    /// <summary>Finds out whether all have the same weights.</summary>
    /// <exception cref="InputException">They have not.</exception>
    public void AgreeOn(LanguageModel model)
    {
        if (Exchange is null) return;
        hasAgreed = true;
        string[] hashes = [];
        string own = Agreement.WeightHash(model.Parameters());
        Exchange.Queue.Do(r => hashes = r.Tell(own));
        int other = Array.FindIndex(hashes, hash => hash != hashes[0]);
        if (other >= 0)
            throw new AgreedException($"The weights of rank {other} (hash {hashes[other]}) are not those of rank 0 ({hashes[0]}): files or "
                + "machines differ. Go on from the last snapshot, on machines of one kind.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Exchange?.Dispose();
        ranks.Dispose();
    }

    private static void CheckSame(string[] texts)
    {
        var first = (JsonObject)JsonNode.Parse(texts[0])!;
        for (int rank = 1; rank < texts.Length; rank++)
            foreach (var (name, value) in (JsonObject)JsonNode.Parse(texts[rank])!)
                if (value?.ToJsonString() != first[name]?.ToJsonString())
                    throw new AgreedException($"Rank {rank} has {name} {value?.ToJsonString() ?? "none"}, rank 0 has "
                        + $"{first[name]?.ToJsonString() ?? "none"}: start all with the same program, options and files.");
    }

    /// <summary>Tells all a text or the error of one.</summary>
    private string[] Tell(string text, string? error = null)
    {
        if (Exchange is null) return [text];
        string[] all = [];
        Exchange.Queue.Do(r => all = r.Tell(JsonSerializer.Serialize(new[] { text, error ?? "" })));
        var told = Array.ConvertAll(all, one => JsonSerializer.Deserialize<string[]>(one)!);
        int failed = Array.FindIndex(told, one => one[1].Length > 0);
        if (failed < 0) return Array.ConvertAll(told, one => one[0]);
        string where = failed > 0 ? $"rank {failed}: " : "";
        throw new AgreedException(where + told[failed][1]);
    }

    /// <summary>Says an error, once, and lets the others know: by the next thing that they do together, or by ending them.</summary>
    private void Fail(Exception e)
    {
        if (!hasAgreed && e is not AgreedException) e = Told(e);
        if (!App.IsForTheUser(e)) errors.WriteLine(e);
        else if (IsFirst || e is not (AgreedException or RankLostException))
            errors.WriteLine($"error: {(IsFirst ? "" : $"rank {Rank}: ")}{e.Message}");
        if (e is not AgreedException) ranks.Abort(e.Message);
        throw new ToldException(e);
    }

    private Exception Told(Exception e)
    {
        try
        {
            Tell("", e is OperationCanceledException ? "Stopped; there was nothing to save." : e.Message);
            return e;
        }
        catch (InputException told)
        {
            return told;
        }
    }
}

/// <summary>An error that was said already.</summary>
internal sealed class ToldException(Exception cause) : Exception(cause.Message, cause);
