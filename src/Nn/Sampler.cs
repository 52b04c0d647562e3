namespace Mayfly;

/// <summary>Chooses tokens by their scores. Its buffers serve all choices; it is not for several threads.</summary>
internal sealed class Sampler
{
    /// <summary>Keeps the draws apart from those of initialisation, dropout and batches; the row is added.</summary>
    private const ulong Stream = 0x6E4E_7A7E_0000_0000;

    private readonly Sampling sampling;
    private readonly float[] scores;
    private readonly ulong[] candidates; // best first: the score's order above, the id below
    private readonly double[] weights;
    private readonly bool[] penalised;

    public Sampler(Sampling sampling, int vocabulary)
    {
        this.sampling = sampling;
        scores = new float[vocabulary];
        candidates = new ulong[vocabulary];
        weights = new double[vocabulary];
        penalised = new bool[vocabulary];
    }

    /// <summary>The token after <paramref name="before"/>; ties go to the smaller id.</summary>
    /// <exception cref="ArithmeticException">A score is infinite or not a number.</exception>
    public int Choose(ReadOnlySpan<float> given, IReadOnlyList<int> before, int row)
    {
        foreach (float score in given)
            if (!float.IsFinite(score))
                throw new ArithmeticException($"Generate: a score at position {before.Count} is {score}; the model's weights are damaged.");
        given.CopyTo(scores);
        if (sampling.RepetitionPenalty != 1) Penalise(before);
        int best = Best();
        if (sampling.Temperature == 0) return best;
        float unit = Philox.Unit(Philox.Bits(new RandomKey(sampling.Seed, Stream + (ulong)row), before.Count));
        return Draw(best, unit);
    }

    private void Penalise(IReadOnlyList<int> before)
    {
        for (int i = 0; i < before.Count; i++)
        {
            int id = before[i];
            if (penalised[id]) continue;
            penalised[id] = true;
            scores[id] = (float)(scores[id] > 0 ? scores[id] / sampling.RepetitionPenalty : scores[id] * sampling.RepetitionPenalty);
        }

        for (int i = 0; i < before.Count; i++) penalised[before[i]] = false;
    }

    private int Best()
    {
        int best = 0;
        for (int i = 1; i < scores.Length; i++)
            if (scores[i] > scores[best]) best = i;
        return best;
    }

    /// <summary>Inverts the cumulative distribution of the tokens that the filters leave.</summary>
    private int Draw(int best, double unit)
    {
        int count = Candidates();
        double total = 0;
        for (int i = 0; i < count; i++) total += weights[i] = Math.Exp(((double)scores[Id(i)] - scores[best]) / sampling.Temperature);
        if (sampling.TopP < 1) (count, total) = Nucleus(count, sampling.TopP * total);
        if (sampling.MinP > 0) (count, total) = NotBelow(count);
        double rest = unit * total;
        for (int i = 0; i < count; i++)
            if ((rest -= weights[i]) < 0) return Id(i);
        return Id(count - 1);
    }

    private int Id(int candidate) => (int)(uint)candidates[candidate];

    /// <summary>Lists the tokens that top-k leaves, best first where a filter asks for an order, and returns their number.</summary>
    private int Candidates()
    {
        for (int i = 0; i < candidates.Length; i++) candidates[i] = Descending(scores[i]) << 32 | (uint)i;
        bool cuts = sampling.TopK > 0 && sampling.TopK < candidates.Length;
        int count = cuts ? sampling.TopK : candidates.Length;
        if (cuts) Smallest.First(candidates, count);
        if (cuts || sampling.TopP < 1) candidates.AsSpan(0, count).Sort();
        return count;
    }

    /// <summary>A number that is smaller where the score is larger, and the same for both zeros.</summary>
    private static ulong Descending(float score)
    {
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f);
        return ~(bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits);
    }

    /// <summary>The fewest first candidates whose weights reach <paramref name="part"/>.</summary>
    private (int Count, double Total) Nucleus(int count, double part)
    {
        double total = 0;
        for (int i = 0; i < count; i++)
            if ((total += weights[i]) >= part) return (i + 1, total);
        return (count, total);
    }

    /// <summary>Moves the candidates that min-p leaves to the front; the best one's weight is 1.</summary>
    private (int Count, double Total) NotBelow(int count)
    {
        int kept = 0;
        double total = 0;
        for (int i = 0; i < count; i++)
        {
            if (weights[i] < sampling.MinP) continue;
            (candidates[kept], weights[kept]) = (candidates[i], weights[i]);
            total += weights[kept++];
        }

        return (kept, total);
    }
}

/// <summary>Selection of the smallest of many numbers (Hoare 1961).</summary>
internal static class Smallest
{
    /// <summary>Moves the <paramref name="count"/> smallest to the front, in no order. All values differ.</summary>
    public static void First(Span<ulong> values, int count)
    {
        int low = 0, high = values.Length - 1;
        while (low < high)
        {
            int middle = Split(values, low, high);
            if (middle >= count) high = middle - 1;
            else low = middle + 1;
        }
    }

    /// <summary>Puts one value at its sorted place, smaller ones before it and larger ones behind, and returns that place.</summary>
    private static int Split(Span<ulong> values, int low, int high)
    {
        int middle = low + (high - low) / 2;
        (values[middle], values[high]) = (values[high], values[middle]);
        ulong pivot = values[high];
        int place = low;
        for (int i = low; i < high; i++)
            if (values[i] < pivot)
            {
                (values[i], values[place]) = (values[place], values[i]);
                place++;
            }

        (values[place], values[high]) = (values[high], values[place]);
        return place;
    }
}
