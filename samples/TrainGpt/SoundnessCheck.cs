using System.Globalization;

namespace TrainGpt;

/// <summary>
/// Tells weights that are worth going on from: finite ones of a usual size, with which the model is not far worse than guessing. After a
/// step that was much too large weights are often finite still, and even the loss can look right; what goes on from them fails all the
/// same.
/// </summary>
internal sealed class SoundnessCheck(LanguageModel model, Batches batches, int accumulate)
{
    /// <summary>What it is called by the books of memory.</summary>
    public const string Phase = "Soundness";

    /// <summary>Initial weights have a root mean square of at most 1, trained ones of a few.</summary>
    private const double LargestRms = 1000;

    /// <summary>Nats a token above those of an even guess. Nothing that learns comes near.</summary>
    private const double LargestExcess = 10;

    /// <summary>What is wrong with the weights after a step, or null.</summary>
    /// <exception cref="NonFiniteException">A weight, or the loss, is infinite or not a number.</exception>
    public string? Problem(long step)
    {
        foreach (var parameter in model.Parameters())
        {
            double rms = Math.Sqrt(parameter.Value.SumSquares() / parameter.Shape.Count);
            if (!double.IsFinite(rms)) throw new NonFiniteException($"Step {step}: the weight {parameter.Name} has an infinity or NaN.");
            if (rms > LargestRms) return string.Create(CultureInfo.InvariantCulture,
                $"the weight {parameter.Name} has grown to a root mean square of {rms:G3}");
        }

        double loss = LossOrNothing(step), guess = Math.Log(model.Config.VocabularySize);
        if (!double.IsFinite(loss)) throw new NonFiniteException($"Step {step}: the loss of the next batch is {loss}.");
        return loss <= guess + LargestExcess ? null : string.Create(CultureInfo.InvariantCulture,
            $"the loss of the next batch is {loss:G4}, far worse than the {guess:F2} of guessing");
    }

    /// <summary>Data that cannot be read any more says nothing against the weights.</summary>
    private double LossOrNothing(long step)
    {
        try
        {
            return Loss(step);
        }
        catch (InputException)
        {
            return 0;
        }
    }

    /// <summary>Of the batch that the next step begins with.</summary>
    private double Loss(long step)
    {
        using var phase = model.Device.Arena.Phase(Phase);
        using var scope = model.Device.Scope(Phase);
        var batch = batches.Read(step * accumulate, model.Device);
        model.Eval();
        double loss = model.Loss(batch.Ids, batch.Targets, total: Math.Max(1, batch.Counted), batch.Parts).Item();
        model.Train();
        return loss;
    }
}
