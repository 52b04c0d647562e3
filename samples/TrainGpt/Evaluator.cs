namespace TrainGpt;

/// <summary>The validation loss: the mean cross-entropy in nats per token over windows side by side.</summary>
internal sealed class Evaluator
{
    /// <summary>What a batch is called by the books of memory.</summary>
    public const string Phase = "Evaluate";

    private readonly LanguageModel model;
    private readonly Tokenizer tokenizer;
    private readonly EvaluationData data;
    private readonly Windows windows;
    private readonly int batch;

    /// <summary>Takes batches of <paramref name="batch"/> windows, so that evaluation needs less memory than training.</summary>
    public Evaluator(LanguageModel model, Tokenizer tokenizer, EvaluationData data, int batch)
    {
        (this.model, this.tokenizer, this.data, this.batch) = (model, tokenizer, data, batch);
        windows = data.Windows;
    }

    /// <summary>
    /// Over about <paramref name="most"/> tokens, at least a window, always the same ones and spread evenly; 0 for all.
    /// </summary>
    /// <param name="most">The number of tokens.</param>
    /// <param name="progress">Hears of each batch before it begins.</param>
    /// <param name="stop">Ends it between batches.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public Evaluation Measure(long most, Action<EvaluationProgress> progress, CancellationToken stop)
    {
        int wanted = most == 0 ? windows.Count : (int)Math.Clamp(most / Tokens(1), 1, windows.Count);
        if (wanted == windows.Count) return Over(batch, All(batch), progress, stop);
        int rows = Rows(wanted, batch);
        return Over(rows, Spread(rows, (wanted - 1) / batch + 1), progress, stop);
    }

    /// <summary>The windows of a batch where so many are spread over batches.</summary>
    public static int Rows(int windows, int batch) => windows / ((windows - 1) / batch + 1);

    private IEnumerable<int> All(int rows) => Enumerable.Range(0, (windows.Count - 1) / rows + 1);

    private IEnumerable<int> Spread(int rows, int batches) =>
        Enumerable.Range(0, batches).Select(i => (int)((long)i * (windows.Count / rows) / batches));

    private Evaluation Over(int rows, IEnumerable<int> batches, Action<EvaluationProgress> progress, CancellationToken stop)
    {
        double sum = 0;
        double weight = 0;
        long bytes = 0, tokens = 0;
        int count = 0;
        using var hits = TargetHits.Watch();
        (int First, int Rows)[] parts = [.. batches.Select(index => (index * rows, Math.Min(rows, windows.Count - index * rows)))];
        int all = parts.Sum(part => part.Rows);
        foreach (var part in parts)
        {
            progress(new EvaluationProgress(Tokens(count), Tokens(all), data.Tokens, all == windows.Count));
            stop.ThrowIfCancellationRequested();
            var (loss, counted) = BatchLoss(part.First, part.Rows, ref bytes);
            double full = counted / (double)windows.Context; // windows that these targets would fill
            sum += loss * full;
            weight += full;
            tokens += counted;
            count += part.Rows;
        }

        if (tokens == 0) throw new InputException($"{data.Name}: none of the tokens measured is one to be learned; measure more of them.");
        return new Evaluation(sum / weight, count, tokens, bytes, data, hits.Accuracy);
    }

    private long Tokens(int rows) => (long)rows * (windows.Context - windows.Unscored);

    /// <summary>The mean loss of the targets that count, and their number.</summary>
    private (double Loss, int Counted) BatchLoss(int first, int rows, ref long bytes)
    {
        using var phase = model.Device.Arena.Phase(Phase);
        using var scope = model.Device.Scope(Phase);
        var batch = windows.Read(first, rows, model.Device);
        if (batch.Counted == 0) return (0, 0);
        if (tokenizer is not IdTokenizer) bytes += tokenizer.DecodeBytes([.. batch.Targets.ToArray<int>().Where(id => id >= 0)]).Length;
        model.Eval();
        double loss = model.Loss(batch.Ids, batch.Targets, parts: batch.Parts).Item();
        model.Train();
        return (loss, batch.Counted);
    }
}
