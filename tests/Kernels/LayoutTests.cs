using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests;

/// <summary>Layout arithmetic against lists of places made by nested counting.</summary>
public class LayoutTests
{
    private const int Tests = 400;

    [Fact]
    public void Contiguous_means_that_the_places_follow_each_other() => ForLayouts((layout, _) =>
        Assert.Equal(Places(layout).SequenceEqual(Enumerable.Range(0, (int)layout.Count).Select(i => layout.Offset + i)),
            layout.IsContiguous));

    [Fact]
    public void Place_counts_in_row_major_order() => ForLayouts((layout, _) =>
        Assert.Equal(Places(layout), Enumerable.Range(0, (int)layout.Count).Select(i => layout.Place(i))));

    [Fact]
    public void A_transposed_layout_has_its_indices_swapped() => ForLayouts((layout, random) =>
    {
        if (layout.Shape.Rank == 0) return;
        int a = random.Next(layout.Shape.Rank), b = random.Next(-layout.Shape.Rank, 0);
        var turned = layout.Transpose(a, b);
        foreach (var index in Indices(turned.Shape))
        {
            var original = (long[])index.Clone();
            int second = b + original.Length;
            (original[a], original[second]) = (original[second], original[a]);
            Assert.Equal(PlaceAt(layout, original), PlaceAt(turned, index));
        }
    });

    [Fact]
    public void A_slice_starts_where_it_says() => ForLayouts((layout, random) =>
    {
        if (layout.Shape.Rank == 0) return;
        int axis = random.Next(layout.Shape.Rank);
        long start = random.NextInt64(layout.Shape[axis] + 1), length = random.NextInt64(layout.Shape[axis] - start + 1);
        var slice = layout.Slice(axis, start, length);
        Assert.Equal(layout.Shape.With(axis, length), slice.Shape);
        foreach (var index in Indices(slice.Shape))
        {
            var original = (long[])index.Clone();
            original[axis] += start;
            Assert.Equal(PlaceAt(layout, original), PlaceAt(slice, index));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => layout.Slice(axis, start, layout.Shape[axis] - start + 1));
    });

    [Fact]
    public void A_collapsed_layout_has_the_same_places_and_no_axes_to_merge() => ForLayouts((layout, _) =>
    {
        var packed = layout.Collapse();
        Assert.Equal(Places(layout), Places(packed));
        for (int i = 0; i < packed.Shape.Rank; i++)
        {
            Assert.NotEqual(1, packed.Shape[i]);
            if (i > 0) Assert.NotEqual(packed.Strides[i - 1], packed.Strides[i] * packed.Shape[i]);
        }
    });

    [Fact]
    public void A_reshaped_layout_exists_exactly_where_strides_can_express_it() => ForLayouts((layout, random) =>
    {
        var to = Refactor(layout.Shape, random);
        var found = layout.TryReshape(to);
        Assert.Equal(ByStrides(layout, to) is not null, found is not null);
        if (found is null) return;
        Assert.Equal(to, found.Value.Shape);
        Assert.Equal(Places(layout), Places(found.Value));
        Assert.Null(layout.TryReshape(to.Append(2).Count == layout.Count ? new Shape(layout.Count + 1) : to.Append(2)));
    });

    [Fact]
    public void A_broadcast_layout_repeats_along_axes_of_size_one() => ForLayouts((layout, random) =>
    {
        var to = Wider(layout.Shape, random);
        var wide = layout.TryBroadcast(to)!.Value;
        int lead = to.Rank - layout.Shape.Rank;
        foreach (var index in Indices(to))
        {
            var original = index[lead..];
            for (int i = 0; i < original.Length; i++) original[i] = layout.Shape[i] == 1 ? 0 : original[i];
            Assert.Equal(PlaceAt(layout, original), PlaceAt(wide, index));
        }
    });

    [Theory]
    [InlineData(new long[] { 2, 3 }, new long[] { 3, 3 })]
    [InlineData(new long[] { 2, 3 }, new long[] { 2 })]
    [InlineData(new long[] { 3 }, new long[] { 3, 2 })]
    [InlineData(new long[] { 2 }, new long[] { 1 })]
    public void Shapes_that_do_not_fit_do_not_broadcast(long[] from, long[] to) =>
        Assert.Null(Layout.RowMajor(new Shape(from)).TryBroadcast(new Shape(to)));

    [Fact]
    public void Two_shapes_broadcast_to_the_larger_sizes() => ForLayouts((layout, random) =>
    {
        var to = Wider(layout.Shape, random);
        Assert.Equal(to, Layout.Broadcast(layout.Shape, to));
        Assert.Equal(to, Layout.Broadcast(to, layout.Shape));
        Assert.Null(Layout.Broadcast(new Shape(2, 3), new Shape(2, 4)));
    });

    private static void ForLayouts(Action<Layout, Random> check) =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            check(MakeLayout(random), random);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Tests));

    /// <summary>A dense layout after a few transposes, slices and broadcasts.</summary>
    private static Layout MakeLayout(Random random)
    {
        var sizes = new long[random.Next(5)];
        for (int i = 0; i < sizes.Length; i++) sizes[i] = random.Next(20) == 0 ? 0 : random.Next(1, 6);
        var layout = Layout.RowMajor(new Shape(sizes)) with { Offset = random.Next(10) };
        for (int step = random.Next(4); step > 0 && sizes.Length > 0; step--)
        {
            int axis = random.Next(sizes.Length);
            layout = random.Next(3) switch
            {
                0 => layout.Transpose(axis, random.Next(sizes.Length)),
                1 when layout.Shape[axis] > 1 => layout.Slice(axis, 1, layout.Shape[axis] - 1),
                _ => layout.Shape[axis] == 1 ? layout.TryBroadcast(layout.Shape.With(axis, random.Next(1, 4)))!.Value : layout,
            };
        }

        return layout;
    }

    /// <summary>A shape of the same count: all elements in one axis, or axes merged, split and padded with ones.</summary>
    private static Shape Refactor(Shape from, Random random)
    {
        if (from.Count == 0) return new Shape(0, random.Next(4));
        var factors = new List<long>();
        for (int i = 0; i < from.Rank; i++) factors.AddRange(from[i] == 4 && random.Next(2) == 0 ? [2, 2] : new[] { from[i] });
        for (int merges = random.Next(4); merges > 0 && factors.Count > 1; merges--)
        {
            int i = random.Next(factors.Count - 1);
            factors[i] *= factors[i + 1];
            factors.RemoveAt(i + 1);
        }

        if (factors.Count < Shape.MaxRank - 1) factors.Insert(random.Next(factors.Count + 1), 1);
        while (factors.Count >= Shape.MaxRank)
        {
            factors[0] *= factors[1];
            factors.RemoveAt(1);
        }

        return new Shape([.. factors]);
    }

    private static Shape Wider(Shape from, Random random)
    {
        var sizes = new List<long>();
        for (int i = 0; i < from.Rank; i++) sizes.Add(from[i] == 1 ? random.Next(1, 4) : from[i]);
        if (random.Next(2) == 0) sizes.Insert(0, random.Next(1, 4));
        return new Shape([.. sizes]);
    }

    /// <summary>The only strides that can express the reshape, if they do.</summary>
    private static Layout? ByStrides(Layout layout, Shape to)
    {
        if (to.Count == 0) return new Layout(to, to.RowMajorStrides(), layout.Offset);
        var places = Places(layout);
        var strides = new long[to.Rank];
        long step = 1;
        for (int i = to.Rank - 1; i >= 0; i--)
        {
            strides[i] = to[i] > 1 ? places[step] - places[0] : 0;
            step *= to[i];
        }

        var candidate = new Layout(to, new Shape(strides), layout.Offset);
        return Places(candidate).SequenceEqual(places) ? candidate : null;
    }

    private static long[] Places(Layout layout) => [.. Indices(layout.Shape).Select(index => PlaceAt(layout, index))];

    private static long PlaceAt(Layout layout, long[] index)
    {
        long place = layout.Offset;
        for (int i = 0; i < index.Length; i++) place += index[i] * layout.Strides[i];
        return place;
    }

    private static IEnumerable<long[]> Indices(Shape shape)
    {
        IEnumerable<long[]> all = [[]];
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            long size = shape[axis];
            all = all.SelectMany(head => Enumerable.Range(0, (int)size).Select(i => (long[])[.. head, i]));
        }

        return all;
    }
}
