namespace Mayfly.Tests;

/// <summary>Ops that take tensors apart, put them together and look elements up, and losses.</summary>
internal static partial class OpTable
{
    private static OpCase[] Parts() =>
    [
        new("Permute", "Permute", x => x[0].Permute(2, 0, -2), Threes) { Large = LargeThrees },
        new("Permute of four", "Permute", x => x[0].Permute(0, 3, 1, 2), [[(2, 3, 1, 5)]]),
        new("Squeeze", "Squeeze", x => x[0].Squeeze(1), [[(3, 1, 5)], [(1, 1)], [(2, 1)]]),
        new("Unsqueeze", "Unsqueeze", x => x[0].Unsqueeze(1), Threes),
        new("Unsqueeze at the ends", "Unsqueeze",
            x => x[0].Unsqueeze(-1) * x[0].Unsqueeze(0).Sum([0]).Unsqueeze(-1), [[Scalar], .. Threes]),
        new("Expand", "Expand", x => x[0].Expand((3, 2, 5)), [[Scalar], [5], [(2, 1)], [(3, 1, 1)], [(3, 2, 5)]]),
        new("Repeat", "Repeat", x => x[0].Repeat(-1, 3), [[4], .. Threes]) { Large = LargeThrees },
        new("Stack", "Stack", x => Tensor.Stack(1, x), [[(2, 3), (2, 3)], [3, 3, 3], [(2, 1, 4)]]) { Large = [[(37, 67), (37, 67)]] },
        new("Pad", "Pad", x => x[0].Pad(1, 2, 1, 0.5), Threes) { Large = LargeThrees },
        new("LowerTriangle", "LowerTriangle", x => x[0].LowerTriangle(), [[(4, 5)], [(2, 3, 2)], [(1, 1)]]) { Large = LargeThrees },
        new("UpperTriangle", "UpperTriangle", x => x[0].UpperTriangle(1), [[(4, 5)], [(2, 3, 2)]]) { Large = LargeThrees },
        new("LowerTriangle below", "LowerTriangle", x => x[0].LowerTriangle(-1), [[(4, 5)]]),
        new("Patches", "Patches", x => x[0].Patches(2, 3, stride: 2), [[(1, 1, 2, 3)], [(2, 2, 5, 4)]]) { Large = [[(2, 3, 9, 17)]] },
        new("Patches of a wide step", "Patches", x => x[0].Patches(2, 2, dilation: 2), [[(1, 2, 4, 5)]]),
    ];

    private static OpCase[] Sums() =>
    [
        new("CumulativeSum", "CumulativeSum", x => x[0].CumulativeSum(-1), [[7], .. Threes]) { Large = LargeThrees },
        new("CumulativeSum of rows", "CumulativeSum", x => x[0].CumulativeSum(0), Threes) { Large = LargeThrees },
        new("Einsum", "Einsum", x => Tensor.Einsum("ij,jk->ik", x), [[(2, 3), (3, 4)], [(1, 1), (1, 1)]]) { Large = [[(37, 67), (67, 5)]] },
        new("Einsum of a batch", "Einsum", x => Tensor.Einsum("bij,bkj->bki", x), [[(2, 3, 4), (2, 5, 4)]]),
        new("Einsum that sums", "Einsum", x => Tensor.Einsum("bij,jk->k", x), [[(2, 3, 4), (4, 2)]]),
        new("Einsum of one", "Einsum", x => Tensor.Einsum("ijk->ki", x), Threes),
        new("Einsum of three", "Einsum", x => Tensor.Einsum("a,ab,b", x), [[2, (2, 3), 3]]),
        new("Conv2d", "Conv2d", x => x[0].Conv2d(x[1], x[2], padding: 1),
            [[(1, 1, 3, 3), (1, 1, 2, 2), 1], [(2, 3, 4, 5), (4, 3, 3, 2), 4]]) { Large = [[(2, 3, 9, 17), (8, 3, 3, 3), 8]] },
        new("Conv2d of groups", "Conv2d", x => x[0].Conv2d(x[1], stride: 2, groups: 2), [[(2, 4, 5, 4), (6, 2, 2, 2)]]),
        new("Conv1d", "Conv1d", x => x[0].Conv1d(x[1], x[2], padding: 2, dilation: 2), [[(2, 3, 7), (4, 3, 3), 4]]),
    ];

    private static OpCase[] Orders() =>
    [
        new("IndexSelect", "IndexSelect", x => x[0].IndexSelect(0, x[1]), [[(4, 3), 5], [4, 2], [(4, 1, 3), 7]]) { Limits = [0, 4] },
        new("IndexSelect of columns", "IndexSelect", x => x[0].IndexSelect(-1, x[1]), [[(3, 4), 5], [(2, 3, 4), 1]]) { Limits = [0, 4] },
        new("Gather", "Gather", x => x[0].Gather(-1, x[1]), [[(3, 4), (3, 5)], [4, 2], [(2, 3, 4), (2, 3, 1)]]) { Limits = [0, 4] },
        new("Gather of rows", "Gather", x => x[0].Gather(0, x[1]), [[(4, 3), (2, 3)], [(4, 2, 3), (5, 2, 3)]]) { Limits = [0, 4] },
        new("OneHot", "OneHot", x => x[1].OneHot(4) * x[0], [[(3, 4), 3], [4, Scalar], [(2, 3, 4), (2, 3)]]) { Limits = [0, 4] },
        new("ScatterAdd", "ScatterAdd", x => x[0].ScatterAdd(x[1], x[2]), [[(4, 3), 5, (5, 3)], [4, 2, 2], [(4, 1, 3), 7, (7, 1, 3)]])
        { Limits = [0, 4, 0] },
    ];

    private static OpCase[] Losses() =>
    [
        new("BinaryCrossEntropy", "BinaryCrossEntropy", x => x[0].BinaryCrossEntropy(x[1]), [[1, 1], [17, 17], [(3, 5), (3, 5)]])
        { Large = [[1031, 1031]] },
        new("Huber", "Huber", x => x[0].Huber(x[1], 0.75), [[1, 1], [17, 17], [(3, 5), (3, 5)]]) { Large = [[1031, 1031]] },
        new("KlDivergence", "KlDivergence", x => x[0].KlDivergence(x[1]), [[1, 1], [7, 7], [(3, 5), (3, 5)]])
        { Low = 0.1, High = 1, Large = [[(37, 67), (37, 67)]] },
        new("CosineSimilarity", "CosineSimilarity", x => x[0].CosineSimilarity(x[1]), [[5, 5], [(3, 5), (3, 5)], [(2, 3, 4), 4]])
        { Large = [[(37, 67), (37, 67)]] },
        new("Softmax of rows", "Softmax(Tensor, Int32)", x => x[0].Softmax(0), Threes) { Large = LargeThrees },
        new("LogSoftmax of rows", "LogSoftmax(Tensor, Int32)", x => x[0].LogSoftmax(1), Threes) { Large = LargeThrees },
    ];
}
