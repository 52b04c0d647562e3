namespace Mayfly.Tests;

public abstract unsafe partial class BackendTests
{
    /// <summary>
    /// Sizes of one attention call; fused: q, k and v (and their gradients) lie in one buffer; later: queries have first keys of their own,
    /// some of them impossible ones.
    /// </summary>
    public readonly record struct AttentionCase(int T, int S, int H, int G, int D, bool Causal, bool Fused, int B = 2, bool Later = false,
        int Window = 0, bool Padded = false, bool Biased = false);

    public static TheoryData<AttentionCase> AttentionCases()
    {
        var cases = new TheoryData<AttentionCase>();
        foreach (bool causal in (bool[])[true, false])
        {
            foreach (int size in (int[])[1, 5, 8, 32, 33, 64])
                cases.Add(new AttentionCase(17, 17, 2, 2, size, causal, Fused: true, B: size > 32 ? 1 : 2));
            foreach (int time in (int[])[1, 2, 17, 64, 67]) cases.Add(new AttentionCase(time, time, 2, 1, 8, causal, Fused: true, B: 1));
            cases.Add(new AttentionCase(10, 10, 4, 2, 8, causal, Fused: true));
            cases.Add(new AttentionCase(10, 10, 6, 1, 5, causal, Fused: false));
            cases.Add(new AttentionCase(3, 40, 4, 2, 16, causal, Fused: false));
            cases.Add(new AttentionCase(1, 33, 2, 1, 8, causal, Fused: false));
            cases.Add(new AttentionCase(50, 51, 2, 2, 12, causal, Fused: false, B: 1));
            cases.Add(new AttentionCase(150, 150, 1, 1, 4, causal, Fused: true, B: 1));
            foreach (int time in (int[])[1, 7, 17, 67, 150])
                cases.Add(new AttentionCase(time, time, 2, 1, 5, causal, Fused: true, Later: true));
            cases.Add(new AttentionCase(3, 40, 4, 2, 16, causal, Fused: false, Later: true));
            foreach (var c in (AttentionCase[])[new(67, 67, 2, 1, 5, causal, true), new(9, 40, 4, 2, 8, causal, false)])
            {
                cases.Add(c with { Window = 5 });
                cases.Add(c with { Padded = true });
                cases.Add(c with { Biased = true });
                cases.Add(c with { Window = 11, Padded = true, Biased = true, Later = true });
            }

            if (!causal) cases.Add(new AttentionCase(40, 7, 2, 2, 4, causal, Fused: false, Window: 3, Padded: true));
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(AttentionCases))]
    public void Attention_is_the_reference(AttentionCase sizes)
    {
        sizes = sizes with { T = Math.Min(sizes.T, LargestExtent), S = Math.Min(sizes.S, LargestExtent) };
        var first = sizes.Later ? Integers((sizes.B, sizes.T), FirstKeys(sizes)) : default;
        var lengths = sizes.Padded ? Integers(sizes.B, [.. Enumerable.Range(0, sizes.B).Select(b => b == 0 ? sizes.S / 2 : -1)]) : default;
        var bias = sizes.Biased ? Bias(sizes) : default;
        var (args, results) = AttentionOf(sizes, (seed, shape, spread) => Random(seed, shape, spread), first, lengths, bias);
        var (expectedArgs, expected) = AttentionOf(
            sizes, (seed, shape, spread) => Mirror(Random(seed, shape, spread)), Mirror(first), Mirror(lengths), Mirror(bias));
        Device.Run(args.Forward);
        Device.Run(args);
        Reference.Run(expectedArgs.Forward);
        Reference.Run(expectedArgs);
        for (int i = 0; i < results.Length; i++) Near(results[i], expected[i], 2e-5, 2e-5, $"{sizes}, result {i}");
    }

    /// <summary>What each document gives in a row of its own, to rounding.</summary>
    [Fact]
    public void Documents_in_one_row_are_documents_alone()
    {
        int[] lengths = [1, 30, 3, 13, 20];
        int time = lengths.Sum(), place = 0;
        int[] starts = [.. lengths.SelectMany(length => Enumerable.Repeat((place += length) - length, length))];
        var sizes = new AttentionCase(time, time, 2, 1, 8, Causal: true, Fused: false, B: 1, Later: true);
        var (packed, results) = AttentionOf(sizes, (seed, shape, spread) => Random(seed, shape, spread), Integers((1, time), starts));
        Device.Run(packed.Forward);
        Device.Run(packed);
        foreach (int start in starts.Distinct())
        {
            int length = starts.Count(s => s == start);
            View Part(View x, int axis = 1) => x.With(x.Layout.Slice(axis, start, length));
            View Own(View x) => Part(Clone(x));
            var f = packed.Forward;
            View lse = Floats((1, 2, length)), top = Floats((1, 2, length));
            var forward = f with { Q = Part(f.Q), K = Part(f.K), V = Part(f.V), Y = Own(f.Y), Lse = lse, Top = top, First = default };
            var alone = new AttendBack(forward, Part(packed.Dy), Own(packed.Dq), Own(packed.Dk), Own(packed.Dv));
            Device.Run(forward);
            Device.Run(alone);
            View[] expected = [forward.Y, lse, alone.Dq, alone.Dk, alone.Dv, top];
            for (int i = 0; i < results.Length; i++)
                Closeness.OfScale(
                    1, 2e-6, Values(Part(results[i], i is 1 or 5 ? 2 : 1)), Values(expected[i]), $"document at {start}, result {i}");
        }
    }

    [Theory]
    [InlineData(64, 4, 4, 32)]
    [InlineData(67, 4, 2, 12)]
    [InlineData(150, 1, 1, 8)]
    public void Attention_has_the_same_bits_for_any_threads(int time, int heads, int groups, int size) => SameBitsForAnyThreads(backend =>
    {
        if (backend is ReferenceBackend<F1> or GpuBackend) time = Math.Min(time, 12); // slow, and has no threads
        var (args, results) = AttentionOf(new(time, time, heads, groups, size, true, true), (seed, shape, spread) =>
            Random(backend, seed, shape, spread));
        backend.Run(args.Forward);
        backend.Run(args);
        return results;
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Grouped_heads_are_repeated_heads(bool causal)
    {
        const int Heads = 6;
        var (grouped, _) = AttentionOf(new(19, 19, Heads, 1, 8, causal, Fused: false), (seed, shape, spread) =>
            Random(seed, shape, spread));
        var one = grouped.Forward;
        var wide = one.Q.Shape;
        var all = one with { K = Repeat(one.K, wide), V = Repeat(one.V, wide), Y = Clone(one.Y), Lse = Clone(one.Lse) };
        var repeated = grouped with { Forward = all, Dk = Random(1, wide), Dv = Random(2, wide) };
        foreach (var args in (AttendBack[])[grouped, repeated])
        {
            Device.Run(args.Forward);
            Device.Run(args);
        }

        SameBits(one.Y, all.Y);
        SameBits(one.Lse, all.Lse);
        foreach (var (total, parts) in ((View, View)[])[(grouped.Dk, repeated.Dk), (grouped.Dv, repeated.Dv)])
        {
            var sums = Values(parts).Chunk(Heads * 8).SelectMany(row =>
                Enumerable.Range(0, 8).Select(d => row.Where((_, i) => i % 8 == d).Sum()));
            Assert.All(sums.Zip(Values(total)), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        }
    }

    [Fact]
    public void Attention_holds_out_against_large_scores()
    {
        var sizes = new AttentionCase(9, 9, 1, 1, 8, Causal: true, Fused: true);
        var (args, results) = AttentionOf(sizes, (seed, shape, spread) => Random(seed, shape, spread, scale: 60f));
        var (expectedArgs, expected) = AttentionOf(sizes, (seed, shape, spread) => Mirror(Random(seed, shape, spread, scale: 60f)));
        Device.Run(args.Forward);
        Reference.Run(expectedArgs.Forward);
        // a score is at most 60 60 8 / sqrt(8); its rounding is a relative error of the weights
        Closeness.OfScale(60, 5e-4, Values(results[0]), Values(expected[0]), "y");
        Closeness.OfScale(60 * 60 * Math.Sqrt(8), 1e-6, Values(results[1]), Values(expected[1]), "log-sum-exp");
    }

    /// <summary>Random operands; the results are y, lse and the gradients.</summary>
    private static (AttendBack Args, View[] Results) AttentionOf(
        AttentionCase c, Func<int, Shape, Spread, View> make, View first = default, View lengths = default, View bias = default)
    {
        View q, k, v, dq, dk, dv, fused = default, dFused = default;
        if (c.Fused)
        {
            fused = make(1, (c.B, c.T, c.H + 2 * c.G, c.D), Spread.Gaps);
            dFused = make(2, (c.B, c.T, c.H + 2 * c.G, c.D), Spread.Dense);
            (q, k, v) = Split(fused, c.H, c.G);
            (dq, dk, dv) = Split(dFused, c.H, c.G);
        }
        else
        {
            Shape ofQueries = (c.B, c.T, c.H, c.D), ofKeys = (c.B, c.S, c.G, c.D);
            (q, k, v) = (make(3, ofQueries, Spread.Gaps), make(4, ofKeys, Spread.Dense), make(5, ofKeys, Spread.Gaps));
            (dq, dk, dv) = (make(6, ofQueries, Spread.Gaps), make(7, ofKeys, Spread.Gaps), make(8, ofKeys, Spread.Dense));
        }

        View y = make(9, (c.B, c.T, c.H, c.D), Spread.Gaps), dy = make(10, (c.B, c.T, c.H, c.D), Spread.Gaps),
            lse = make(11, (c.B, c.H, c.T), Spread.Dense), top = make(13, (c.B, c.H, c.T), Spread.Dense);
        var forward = new Attend { Q = q, K = k, V = v, Y = y, Lse = lse, Top = top, Scale = 1 / Math.Sqrt(c.D), Causal = c.Causal,
            First = first, Lengths = lengths, Window = c.Window, Bias = bias };
        return (new(forward, dy, dq, dk, dv), c.Fused ? [y, lse, dFused, top] : [y, lse, dq, dk, dv, top]);
    }

    private static (View Q, View K, View V) Split(View fused, int heads, int groups) => (
        fused.With(fused.Layout.Slice(2, 0, heads)),
        fused.With(fused.Layout.Slice(2, heads, groups)),
        fused.With(fused.Layout.Slice(2, heads + groups, groups)));

    /// <summary>Some for documents, some at random, and a few beyond what a query can see.</summary>
    private static int[] FirstKeys(AttentionCase c)
    {
        var random = new Random(c.T);
        return [.. Enumerable.Range(0, c.B * c.T).Select(i => random.Next(8) switch
        {
            0 => -5,
            1 => int.MaxValue,
            2 or 3 => random.Next(c.S),
            _ => i % c.T / 10 * 10,
        })];
    }

    /// <summary>(B, T, H, S), the same for all heads: some keys are hidden, and all keys of the second query.</summary>
    private View Bias(AttentionCase c)
    {
        var bias = Random(12, (c.B, c.T, 1, c.S), Spread.Dense);
        float[] numbers = [.. Values(bias).Select((x, i) =>
            i / c.S % c.T == 1 || i % 7 == 3 ? float.NegativeInfinity : i % 5 == 3 ? -2e30f : (float)x)];
        return Floats(bias.Shape, numbers).To((c.B, c.T, c.H, c.S));
    }

    private static View Repeat(View one, Shape to) => one.With(one.Layout.TryBroadcast(to)!.Value);
}
