namespace Mayfly.Tests;

internal static partial class OpTable
{
    private static OpCase[] Products() =>
    [
        new("MatMul", "MatMul", x => x[0].MatMul(x[1]),
            [(2, 3), (3, 4)], [(1, 1), (1, 1)], [(7, 1), (1, 5)], [(2, 2, 3), (3, 5)], [(3, 4), (2, 4, 2)], [(2, 1, 2, 3), (1, 3, 3, 2)])
        { Large = [[(33, 65), (65, 17)], [(3, 17, 31), (31, 9)], [(2, 3, 16, 8), (2, 3, 8, 33)]] },
        new("MatMul of turned views", "MatMul", x => x[0].Transpose().MatMul(x[1].Transpose()), [(3, 2), (4, 3)], [(2, 3, 2), (2, 5, 3)])
        { Large = [[(65, 33), (17, 65)]] },
        new("MatMul with itself", "MatMul", x => x[0].MatMul(x[0]), [[(3, 3)]]),
        new("Linear", "Linear(Tensor, Tensor, Tensor, Tensor)", x => x[0].Linear(x[1]),
            [(2, 3), (4, 3)], [3, (2, 3)], [(2, 2, 5), (3, 5)], [(1, 1), (1, 1)])
        { Large = [[(33, 65), (17, 65)]] },
        new("Linear with bias", "Linear(Tensor, Tensor, Tensor, Tensor)", x => x[0].Linear(x[1], x[2]),
            [(2, 3), (4, 3), 4], [(2, 2, 5), (3, 5), 3])
        { Large = [[(33, 65), (17, 65), 17]] },
        new("Linear with residual", "Linear(Tensor, Tensor, Tensor, Tensor)", x => x[0].Linear(x[1], x[2], x[3]),
            [(2, 3), (4, 3), 4, (2, 4)], [(2, 2, 5), (3, 5), 3, (2, 2, 3)])
        { Large = [[(33, 65), (17, 65), 17, (33, 17)]] },
        new("Linear onto itself", "Linear(Tensor, Tensor, Tensor, Tensor)", x => x[0].Linear(x[1], residual: x[0]), [[(2, 3), (3, 3)]]),
        new("Linear with Gelu", "Linear(Tensor, Tensor, Tensor, TAct)", x => x[0].Linear(x[1], x[2], new Gelu()),
            [(2, 3), (4, 3), 4], [(2, 2, 5), (3, 5), 3])
        { Large = [[(33, 65), (17, 65), 17]] },
        new("Linear with Relu", "Linear(Tensor, Tensor, Tensor, TAct)", x => x[0].Linear(x[1], null, new Relu()), [[(2, 3), (4, 3)]]),
        new("Linear with Sigmoid", "Linear(Tensor, Tensor, Tensor, TAct)", x => x[0].Linear(x[1], x[2], new Sigmoid()),
            [(2, 3), (4, 3), 4], [(2, 2, 5), (3, 5), 3])
        { Large = [[(33, 65), (17, 65), 17]] },
        new("Linear with a factor", "Linear(Tensor, Tensor, Tensor, TAct)", x => x[0].Linear(x[1], x[2], new Affine(0.5f, 1)),
            [(2, 3), (4, 3), 4], [(2, 2, 5), (3, 5), 3]),
        new("Linear with Identity", "Linear(Tensor, Tensor, Tensor, TAct)", x => x[0].Linear(x[1], x[2], new Identity()),
            [[(2, 3), (4, 3), 4]]),
    ];

    private static OpCase[] Rows() =>
    [
        new("LayerNorm", "LayerNorm", x => x[0].LayerNorm(x[1]), [(3, 5), 5], [(2, 1), 1], [(2, 3, 4), 4], [17, 17])
        { Large = LargeRows, Tolerance = 1e-4 },
        new("LayerNorm with bias", "LayerNorm", x => x[0].LayerNorm(x[1], x[2]), [(3, 5), 5, 5], [(2, 3, 4), 4, 4])
        { Large = [[(9, 67), 67, 67]], Tolerance = 1e-4 },
        new("RmsNorm", "RmsNorm", x => x[0].RmsNorm(x[1]), [(3, 5), 5], [(2, 3, 4), 4], [17, 17]) { Large = LargeRows, Tolerance = 1e-4 },
        new("Softmax", "Softmax(Tensor)", x => x[0].Softmax(), [[(3, 5)], [1], [(2, 3, 7)], [17]]) { Large = [[(9, 67)], [(33, 128)]] },
        new("LogSoftmax", "LogSoftmax(Tensor)", x => x[0].LogSoftmax(), [[(3, 5)], [1], [(2, 3, 7)], [17]])
        { Large = [[(9, 67)], [(33, 128)]] },
        new("CrossEntropy", "CrossEntropy", x => x[0].CrossEntropy(x[1]), [(3, 5), 3], [(2, 3, 7), (2, 3)], [5, Scalar])
        { Large = [[(33, 67), 33]], Limits = [0, 5] },
        new("CrossEntropy with ignored rows", "CrossEntropy", x => x[0].CrossEntropy(x[1], total: 2.5), [(7, 3), 7], [(2, 3, 5), (2, 3)])
        { Large = [[(33, 67), 33]], Limits = [0, 3], From = -1 },
        new("CrossEntropy with smoothing and z-loss", "CrossEntropy",
            x => x[0].CrossEntropy(x[1], total: 2.5, smoothing: 0.1, zLoss: 0.01), [(7, 3), 7], [(2, 3, 5), (2, 3)])
        { Large = [[(33, 67), 33]], Limits = [0, 3], From = -1 },
        new("LinearCrossEntropy", "LinearCrossEntropy", x => x[0].LinearCrossEntropy(x[1], x[2], rows: 2),
            [(3, 2), (5, 2), 3], [(2, 3, 3), (7, 3), (2, 3)])
        { Large = [[(33, 17), (67, 17), 33], [(2, 17, 5), (66, 5), (2, 17)]], Limits = [0, 0, 5] },
        new("LinearCrossEntropy with ignored rows", "LinearCrossEntropy",
            x => x[0].LinearCrossEntropy(x[1], x[2], total: 2.5, rows: 3), [(7, 2), (3, 2), 7], [(2, 3, 5), (5, 5), (2, 3)])
        { Large = [[(33, 17), (67, 17), 33]], Limits = [0, 0, 3], From = -1 },
        new("LinearCrossEntropy of all rows at one time", "LinearCrossEntropy", x => x[0].LinearCrossEntropy(x[1], x[2]),
            [[(3, 2), (5, 2), 3]]) { Limits = [0, 0, 5] },
    ];

    private static OpCase[] Sequences() =>
    [
        new("Embedding", "Embedding", x => x[0].Embedding(x[1]), [(3, 2), 7], [(4, 1), (2, 3)], [(3, 5), Scalar])
        { Large = [[(67, 33), (5, 17)]], Limits = [0, 3] },
        new("Embedding of a large table", "Embedding", x => x[0].Embedding(x[1]), [[(41, 2), 5]])
        { Large = [[(67, 33), (5, 17)]], Limits = [0, 41] },
        new("CausalAttention", "CausalAttention", x => x[0].CausalAttention(3, 3), [[(1, 4, 9)], [(2, 3, 27)], [(1, 1, 18)]])
        { Large = [[(2, 37, 144)]] },
        new("CausalAttention of documents", "CausalAttention", x => x[0].CausalAttention(3, 3, FirstKeys(x[0])),
            [[(1, 5, 9)], [(2, 4, 27)]])
        { Large = [[(2, 37, 144)]] },
        new("CausalAttention of groups", "CausalAttention", x => x[0].CausalAttention(4, 2), [[(1, 3, 8)], [(2, 2, 24)]])
        { Large = [[(2, 37, 128)]] },
        new("Attention", "Attention(Tensor, Tensor, Tensor, Boolean)", x => x[0].Attention(x[1], x[2]),
            [(1, 2, 2, 3), (1, 4, 1, 3), (1, 4, 1, 3)], [(2, 3, 2, 2), (2, 3, 2, 2), (2, 3, 2, 2)])
        { Large = [[(2, 17, 4, 8), (2, 33, 2, 8), (2, 33, 2, 8)]] },
        new("Attention to all", "Attention(Tensor, Tensor, Tensor, Boolean)", x => x[0].Attention(x[1], x[2], causal: false),
            [[(2, 3, 2, 2), (2, 5, 1, 2), (2, 5, 1, 2)]])
        { Large = [[(2, 17, 4, 8), (2, 5, 2, 8), (2, 5, 2, 8)]] },
        new("Attention to itself", "Attention(Tensor, Tensor, Tensor, Boolean)", x => x[0].Attention(x[0], x[0]), [[(1, 3, 2, 2)]]),
        new("SelfAttention of padded rows", "SelfAttention",
            x => x[0].SelfAttention(2, 1, new AttentionMask { Lengths = Lengths(x[0]), Bias = Numbers(x[0], 1, x[0].Shape[1]) }),
            [[(2, 4, 8)]])
        { Large = [[(2, 37, 64)]] },
        new("SelfAttention through a window", "SelfAttention",
            x => x[0].SelfAttention(3, 3, new AttentionMask { Window = 2, Causal = true }), [[(1, 5, 9)], [(2, 4, 27)]])
        { Large = [[(2, 37, 144)]] },
        new("Attention to some", "Attention(Tensor, Tensor, Tensor, AttentionMask, HeadLogits)",
            x => x[0].Attention(x[1], x[2], new AttentionMask
            {
                Sees = Numbers(x[0], x[0].Shape[1], x[1].Shape[1]) >= Tensor.Full(default, -0.5, x[0].Device),
                Bias = Numbers(x[0], 1, x[1].Shape[1]), Window = 3,
            }),
            [[(2, 3, 2, 2), (2, 5, 1, 2), (2, 5, 1, 2)]])
        { Large = [[(2, 17, 4, 8), (2, 33, 2, 8), (2, 33, 2, 8)]] },
        new("Rotary", "Rotary", x => x[0].Rotary(Table(x[0])), Fours) { Large = [[(2, 17, 3, 32)]] },
        new("Rotary by halves", "Rotary", x => x[0].Rotary(Table(x[0]), halves: true), Fours) { Large = [[(2, 17, 3, 32)]] },
        new("RotaryQkv", "RotaryQkv", x => x[0].RotaryQkv(Table(x[0], 3), 1, 1), [[(1, 1, 6)], [(2, 3, 12)], [(1, 5, 18)]])
        { Large = [[(2, 17, 96)]] },
        new("RotaryQkv of groups by halves", "RotaryQkv", x => x[0].RotaryQkv(Table(x[0], 8), 4, 2, halves: true),
            [[(1, 1, 16)], [(2, 3, 32)]])
        { Large = [[(2, 17, 128)]] },
        new("RotaryQkv in place", "RotaryQkv", x => x[0].Scale(2).RotaryQkv(Table(x[0], 4), 2, 1, takeOver: true),
            [[(1, 1, 8)], [(2, 3, 16)]])
        { Large = [[(2, 17, 128)]] },
        new("RotaryQkv of what another op reads too", "RotaryQkv", x => RotaryOfShared(x[0] * x[0]), [[(1, 1, 8)], [(2, 3, 16)]])
        { Large = [[(2, 17, 128)]] },
    ];

    private static Shape[][] LargeRows => [[(9, 67), 67], [(33, 128), 128]];

    private static Shape[][] Fours => [[(1, 1, 1, 2)], [(2, 3, 2, 4)], [(1, 5, 1, 6)]];

    /// <summary>The square saves its operand, so that the op may not write over it.</summary>
    private static Tensor RotaryOfShared(Tensor x)
    {
        var square = x * x;
        return square + x.RotaryQkv(Table(x, 4), 2, 1, takeOver: true);
    }

    private static Tensor Table(Tensor x, int heads) => x.Device.RotaryTable((int)x.Shape[1], (int)x.Shape[2] / heads);

    /// <summary>Rows of one position less each.</summary>
    private static Tensor Lengths(Tensor x) =>
        Tensor.From<int>([.. Enumerable.Range(1, (int)x.Shape[0]).Select(i => (int)x.Shape[1] - i)], x.Shape[0], x.Device);

    /// <summary>(B, 1, T, S) of fixed numbers.</summary>
    private static Tensor Numbers(Tensor x, long queries, long keys) =>
        Tensor.Uniform((x.Shape[0], 1, queries, keys), -1, 1, new RandomKey(9, 9), x.Device);

    /// <summary>Documents of three positions.</summary>
    private static Tensor FirstKeys(Tensor x)
    {
        int[] first = [.. Enumerable.Range(0, (int)(x.Shape[0] * x.Shape[1])).Select(i => i % (int)x.Shape[1] / 3 * 3)];
        return Tensor.From<int>(first, x.Shape.Take(2), x.Device);
    }

    private static Tensor Table(Tensor x) => x.Device.RotaryTable((int)x.Shape[1], (int)x.Shape[3]);
}
