namespace Mayfly.Benches;

/// <summary>What benches that train a small model to a loss have in common.</summary>
internal static class SmallTask
{
    /// <summary>The loss of a batch.</summary>
    public static Tensor Loss(LanguageModel model, Batches batches, long index)
    {
        var (ids, targets) = batches.Get(index, model.Device);
        return model.Loss(ids, targets);
    }

    /// <summary>The mean loss of the first <paramref name="count"/> batches, without dropout.</summary>
    public static double Validate(LanguageModel model, Batches batches, int count)
    {
        model.Eval();
        double sum = 0;
        for (int i = 0; i < count; i++)
        {
            using var scope = model.Device.Scope("validation");
            sum += Loss(model, batches, i).Item();
        }

        return sum / count;
    }
}
