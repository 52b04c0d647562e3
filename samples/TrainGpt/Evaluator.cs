namespace TrainGpt;

/// <summary>The validation loss: the mean cross-entropy in nats per token over windows of the data's last tenth, side by side.</summary>
internal sealed class Evaluator
{
    private const int QuickBatches = 20;
    private readonly LanguageModel model;
    private readonly Windows windows;
    private readonly int batch;

    /// <summary>Takes batches of <paramref name="batch"/> windows, so that evaluation needs less memory than training.</summary>
    /// <exception cref="InputException">The data is too short.</exception>
    public Evaluator(LanguageModel model, TokenStream data, int batch)
    {
        this.model = model;
        this.batch = batch;
        windows = data.ValidationWindows(model.Config.Context);
    }

    /// <summary>Over all windows.</summary>
    public double Full(CancellationToken stop = default) => Loss(Enumerable.Range(0, (windows.Count + batch - 1) / batch), stop);

    /// <summary>Over at most 20 batches, always the same ones, spread evenly.</summary>
    public double Quick(CancellationToken stop = default)
    {
        int whole = windows.Count / batch;
        return whole <= QuickBatches ? Full(stop)
            : Loss(Enumerable.Range(0, QuickBatches).Select(i => (int)((long)i * whole / QuickBatches)), stop);
    }

    private double Loss(IEnumerable<int> batches, CancellationToken stop)
    {
        double sum = 0;
        long count = 0;
        foreach (int index in batches)
        {
            stop.ThrowIfCancellationRequested();
            int rows = Math.Min(batch, windows.Count - index * batch);
            sum += BatchLoss(index * batch, rows) * rows;
            count += rows;
        }

        return sum / count;
    }

    private double BatchLoss(int first, int rows)
    {
        using var scope = model.Device.Scope("Evaluate");
        var (ids, targets) = windows.Get(first, rows, model.Device);
        model.Eval();
        double loss = model.Loss(ids, targets).Item();
        model.Train();
        return loss;
    }
}
