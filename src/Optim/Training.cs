namespace Mayfly;

/// <summary>Training over batches, for those who do not write the loop themselves.</summary>
public static class Training
{
    /// <summary>
    /// Makes a step for each batch: <see cref="Updater.Step(Func{Tensor})"/> in a scope of its own, so that tensors of a step are freed
    /// with it. What else is to be done between steps, such as validation, snapshots or stopping early, hears of each step by
    /// <paramref name="progress"/>, which is called before the next batch.
    /// <code>
    /// updater.Fit(samples.Stream(collate, first: updater.GlobalStep, count: 1000), batch => model.Loss(batch), report =>
    /// {
    ///     if (report.Step % 100 == 0 &amp;&amp; stopping.Note(report.Step, validate())) Snapshot.SaveBest(...);
    ///     return !stopping.Stops;
    /// });
    /// </code>
    /// </summary>
    /// <typeparam name="TBatch">A batch.</typeparam>
    /// <param name="updater">What steps the model.</param>
    /// <param name="batches">
    /// The batches. A batch that is <see cref="IDisposable"/> is disposed after its step. With
    /// <see cref="UpdaterOptions.Accumulate"/> a step takes the loss of one batch as often; give it batches of micro-batches.
    /// </param>
    /// <param name="loss">The loss of a batch, of one element.</param>
    /// <param name="progress">Hears of each step and says whether to go on; null for nobody.</param>
    /// <param name="stop">Ends training between steps, as if the batches were over.</param>
    /// <returns>The report of the last step; null where there was none.</returns>
    /// <exception cref="NonFiniteException">A loss or a gradient is infinite or not a number.</exception>
    public static StepReport? Fit<TBatch>(
        this Updater updater, IEnumerable<TBatch> batches, Func<TBatch, Tensor> loss, Func<StepReport, bool>? progress = null,
        CancellationToken stop = default)
    {
        StepReport? last = null;
        if (stop.IsCancellationRequested) return last;
        foreach (var batch in batches)
        {
            using var owned = batch as IDisposable;
            using (updater.Device.Scope("Fit")) last = updater.Step(() => loss(batch));
            if (progress?.Invoke(last) == false || stop.IsCancellationRequested) return last;
        }

        return last;
    }

    /// <summary>The same for an <see cref="IProgress{T}"/>, which only listens.</summary>
    /// <inheritdoc cref="Fit{TBatch}(Updater, IEnumerable{TBatch}, Func{TBatch, Tensor}, Func{StepReport, bool}, CancellationToken)"/>
    public static StepReport? Fit<TBatch>(
        this Updater updater, IEnumerable<TBatch> batches, Func<TBatch, Tensor> loss, IProgress<StepReport> progress,
        CancellationToken stop = default) => updater.Fit(batches, loss, report =>
        {
            progress.Report(report);
            return true;
        }, stop);
}
