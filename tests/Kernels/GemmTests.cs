using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests;

/// <summary>The fast matrix product against the naive one in double precision.</summary>
public class GemmTests
{
    public enum Added
    {
        Nothing,
        Matrix,
        InPlace,
    }

    /// <summary>One product; Gap is the distance between rows beyond their length, in every operand that may have one.</summary>
    public sealed record Case(int M, int N, int K)
    {
        public bool TransposeA { get; init; }
        public bool TransposeB { get; init; }
        public float Alpha { get; init; } = 1f;
        public float Beta { get; init; }
        public int Batch { get; init; }
        public bool RepeatB { get; init; }
        public int Gap { get; init; }

        /// <summary>Elements before the first one, in every operand.</summary>
        public int Offset { get; init; }

        public bool Bias { get; init; }
        public bool Activation { get; init; }
        public bool Before { get; init; }
        public Added Residual { get; init; }
    }

    /// <summary>The same product with an activation.</summary>
    private static Gemm<SoftSign> Activated(in Gemm<Identity> x) => new()
    {
        A = x.A, B = x.B, C = x.C, Alpha = x.Alpha, Beta = x.Beta, Bias = x.Bias, Before = x.Before, Residual = x.Residual,
    };

    public readonly struct SoftSign : IMap1<SoftSign>
    {
        public V F<V>(V x) where V : struct, ILane<V> => x / (V.Of(1f) + V.Abs(x));
    }

    /// <summary>
    /// The operands of a case on one device, filled with the same numbers on every device; what no operand covers is NaN.
    /// </summary>
    internal sealed class Operands : IDisposable
    {
        private readonly Backend backend;
        private readonly int offset;
        private readonly List<Block> blocks = [];
        private readonly Random random = new(1);

        public Operands(Backend backend, Case x)
        {
            this.backend = backend;
            offset = x.Offset;
            var c = Matrix(x.Batch, x.M, x.N, false, x.Residual == Added.Nothing ? x.Gap : 0, x.Beta == 0f && x.Residual != Added.InPlace);
            Before = x.Before ? Matrix(0, x.M, x.N, false, 0, true) : default;
            Args = new Gemm<Identity>
            {
                A = Matrix(x.Batch, x.M, x.K, x.TransposeA, x.Gap, false),
                B = Matrix(x.Batch, x.K, x.N, x.TransposeB, x.Gap, false, x.RepeatB),
                C = c,
                Alpha = x.Alpha,
                Beta = x.Beta,
                Bias = x.Bias ? Matrix(0, 1, x.N, false, 0, false) is var b ? b.With(new Layout(x.N, 1, offset)) : default : default,
                Before = Before,
                Residual = x.Residual switch { Added.Matrix => Matrix(0, x.M, x.N, false, 0, false), Added.InPlace => c, _ => default },
            };
        }

        public Gemm<Identity> Args { get; }

        public View Before { get; }

        /// <summary>Computes the product, on the GPU backend by the given plan if there is one.</summary>
        public void Run(bool activation, GemmPlan? plan = null)
        {
            if (activation) Run(Activated(Args), plan);
            else Run(Args, plan);
        }

        private void Run<TAct>(Gemm<TAct> gemm, GemmPlan? plan) where TAct : unmanaged, IMap1<TAct>
        {
            if (plan is { } given) gemm.On((GpuBackend)backend, given);
            else backend.Run(gemm);
        }

        /// <summary>The whole memory of a view, gaps included.</summary>
        public double[] Read(View x)
        {
            if (x.IsAbsent) return [];
            int count = checked((int)(x.Block!.Bytes / x.Type.Size()));
            byte[] bytes = new byte[x.Block.Bytes];
            backend.Read(x.With(new Layout(count, 1, 0)), bytes);
            return x.Type == DType.F64
                ? MemoryMarshal.Cast<byte, double>(bytes).ToArray()
                : Array.ConvertAll(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), f => (double)f);
        }

        public void Dispose() => blocks.ForEach(backend.Free);

        private View Matrix(int batch, int rows, int columns, bool transposed, int gap, bool blank, bool repeat = false)
        {
            int lines = transposed ? columns : rows, length = transposed ? rows : columns, row = length + gap;
            int copies = batch == 0 || repeat ? 1 : batch, step = lines * row + gap;
            double[] data = new double[offset + copies * step];
            Array.Fill(data, double.NaN);
            for (int b = 0; b < copies && !blank; b++)
                for (int i = 0; i < lines; i++)
                    for (int j = 0; j < length; j++) data[offset + b * step + i * row + j] = (float)(random.NextDouble() * 2 - 1);
            long rowStride = transposed ? 1 : row, columnStride = transposed ? row : 1;
            var layout = batch == 0
                ? new Layout((rows, columns), (rowStride, columnStride), offset)
                : new Layout((batch, rows, columns), (repeat ? 0 : step, rowStride, columnStride), offset);
            return Place(data, layout);
        }

        private View Place(double[] data, Layout layout)
        {
            var block = backend.Allocate((long)data.Length * backend.Float.Size());
            blocks.Add(block);
            var whole = new View(block, backend.Float, new Layout(data.Length, 1, 0));
            backend.Write(whole, backend.Float == DType.F64
                ? MemoryMarshal.AsBytes<double>(data)
                : MemoryMarshal.AsBytes<float>(Array.ConvertAll(data, d => (float)d)));
            return whole.With(layout);
        }
    }

    private static readonly Backend Reference = new ReferenceBackend<D1>();

    internal static void AssertAgrees(Backend backend, Case x, GemmPlan? plan = null)
    {
        using var expected = new Operands(Reference, x);
        using var actual = new Operands(backend, x);
        expected.Run(x.Activation);
        actual.Run(x.Activation, plan);
        double tolerance = 3e-7 * (10 + x.K) * Math.Max(1, Math.Abs(x.Alpha));
        AssertNear(expected.Read(expected.Args.C), actual.Read(actual.Args.C), tolerance, "C", x, backend);
        AssertNear(expected.Read(expected.Before), actual.Read(actual.Before), tolerance, "Before", x, backend);
    }

    private static void AssertNear(double[] expected, double[] actual, double tolerance, string what, Case x, Backend backend)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = double.IsNaN(expected[i]) ? double.IsNaN(actual[i]) : Math.Abs(expected[i] - actual[i]) <= tolerance;
            if (!same) Assert.Fail($"{what} of {x} on {backend.Name}: element {i} is {actual[i]}, not {expected[i]}.");
        }
    }

    /// <summary>The vectors of the CPU backend.</summary>
    public static TheoryData<int> Widths => [4, 8, 16];

    /// <summary>The CPU backend's vectors, and 1 for the GPU backend on simulated lanes.</summary>
    public static TheoryData<int> Devices => [1, 4, 8, 16];

    private static Backend Device(int width, int threads = 2) => width switch
    {
        1 => TestDevice.NewBackend(),
        4 => new CpuBackend<F4>(threads),
        8 => new CpuBackend<F8>(threads),
        _ => new CpuBackend<F16>(threads),
    };

    private static readonly (bool A, bool B)[] Transposes = [(false, false), (false, true), (true, false), (true, true)];

    [Theory, MemberData(nameof(Devices))]
    public void Agrees_with_the_naive_product_around_the_tile_borders(int width)
    {
        using var backend = Device(width);
        int[] ms = [1, 2, 5, 7, 11, 12, 13, 25], ns = [1, 3, 8, 15, 16, 17, 31, 32, 33, 65], ks = [1, 2, 7, 16, 19, 37];
        foreach (var (ta, tb) in Transposes)
            foreach (int m in ms)
                foreach (int n in ns)
                    AssertAgrees(backend, new Case(m, n, ks[(m + n) % ks.Length]) { TransposeA = ta, TransposeB = tb, Gap = (m + n) % 4 });
    }

    [Theory, MemberData(nameof(Devices))]
    public void Agrees_where_rows_columns_and_depth_are_cut_into_blocks(int width)
    {
        using var backend = Device(width);
        foreach (var (ta, tb) in Transposes)
        {
            AssertAgrees(backend, new Case(29, 35, 1031) { TransposeA = ta, TransposeB = tb, Beta = 0.5f, Bias = true, Gap = 1 });
            AssertAgrees(backend, new Case(331, 21, 53) { TransposeA = ta, TransposeB = tb, Alpha = -2f });
            AssertAgrees(backend,
                new Case(1, 1103, 71) { TransposeA = ta, TransposeB = tb, Alpha = 0.5f, Beta = 2f, Bias = true, Activation = true });
            AssertAgrees(backend, new Case(1103, 1, 71) { TransposeA = ta, TransposeB = tb, Alpha = 0.5f, Beta = 2f, Gap = tb ? 1 : 0 });
            AssertAgrees(backend, new Case(601, 1, 29) { TransposeA = ta, TransposeB = tb, Activation = true, Batch = 2 });
            AssertAgrees(backend, new Case(17, 1103, 41) { TransposeA = ta, TransposeB = tb, Activation = true });
        }

        AssertAgrees(backend, new Case(14, 1030, 1600) { Beta = 1f, Residual = Added.Matrix });
    }

    [Theory, MemberData(nameof(Devices))]
    public void Agrees_for_random_products(int width)
    {
        using var backend = Device(width);
        var size = Gen.Elements(1, 2, 3, 4, 5, 8, 13, 16, 31, 33, 64, 67);
        var flag = Gen.Elements(false, true);
        var factor = Gen.Elements(0f, 1f, -0.5f, 2f);
        var cases =
            from m in size
            from n in size
            from k in Gen.Elements(0, 1, 3, 16, 47, 397)
            from ta in flag
            from tb in flag
            from alpha in factor
            from beta in factor
            from gap in Gen.Choose(0, 3)
            from bias in flag
            from activation in flag
            from before in flag
            from residual in Gen.Elements(Added.Nothing, Added.Matrix, Added.InPlace)
            select new Case(m, n, k)
            {
                TransposeA = ta, TransposeB = tb, Alpha = alpha, Beta = beta, Gap = gap, Bias = bias, Activation = activation,
                Before = before,
                Residual = residual,
            };
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(cases.ToArbitrary(), x => AssertAgrees(backend, x)));
    }

    [Theory, MemberData(nameof(Devices))]
    public void Agrees_for_batches(int width)
    {
        using var backend = Device(width);
        foreach (var (ta, tb) in Transposes)
            foreach (int batch in new[] { 1, 2, 7 })
                foreach (bool repeat in new[] { false, true })
                    foreach (int m in new[] { 1, 3, 26 })
                        AssertAgrees(backend, new Case(m, 33, 18)
                        {
                            TransposeA = ta, TransposeB = tb, Batch = batch, RepeatB = repeat, Gap = batch % 3, Alpha = 0.5f,
                            Beta = batch == 2 ? 1f : 0f,
                        });
        AssertAgrees(backend, new Case(257, 129, 521) { Batch = 2, TransposeB = true });
    }

    [Theory, MemberData(nameof(Devices))]
    public void Agrees_with_everything_in_the_last_pass_only(int width)
    {
        using var backend = Device(width);
        foreach (var residual in Enum.GetValues<Added>())
            foreach (bool before in new[] { false, true })
                foreach (bool activation in new[] { false, true })
                    foreach (int m in new[] { 2, 19 })
                        AssertAgrees(backend, new Case(m, 45, 1201)
                        {
                            Bias = true, Before = before, Activation = activation, Residual = residual, TransposeB = true,
                            Beta = before ? 0f : 0.25f,
                        });
    }

    [Theory, MemberData(nameof(Devices))]
    public void An_empty_inner_axis_leaves_beta_c_and_the_additions(int width)
    {
        using var backend = Device(width);
        foreach (float beta in new[] { 0f, 1f, -3f })
            foreach (int m in new[] { 1, 14 })
                AssertAgrees(backend, new Case(m, 37, 0) { Beta = beta, Bias = true, Activation = true, TransposeB = m == 1 });
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(5, 0)]
    public void An_empty_result_is_left_alone(int m, int n)
    {
        using var backend = Device(16);
        AssertAgrees(backend, new Case(m, n, 7));
    }

    [Theory, MemberData(nameof(Widths))]
    public void The_bits_do_not_depend_on_the_number_of_threads(int width)
    {
        Case[] cases =
        [
            new(131, 333, 1290) { TransposeB = true, Activation = true, Bias = true },
            new(390, 70, 401),
            new(67, 1500, 129) { TransposeA = true },
            new(3, 500, 770) { TransposeB = true, Beta = 1f },
            new(20, 30, 40) { Batch = 9 },
            new(1, 1100, 131),
            new(1030, 1, 67) { TransposeA = true },
        ];
        using Backend one = Device(width, 1), two = Device(width, 2), three = Device(width, 3);
        foreach (var x in cases)
        {
            double[] expected = Result(one, x);
            for (int round = 0; round < 3; round++)
            {
                Assert.Equal(expected, Result(two, x));
                Assert.Equal(expected, Result(three, x));
            }
        }
    }

    internal static double[] Result(Backend backend, Case x, GemmPlan? plan = null)
    {
        using var operands = new Operands(backend, x);
        operands.Run(x.Activation, plan);
        return operands.Read(operands.Args.C);
    }

    [Theory, MemberData(nameof(Devices))]
    public void An_element_does_not_depend_on_its_place(int width)
    {
        using var backend = Device(width);
        foreach (int m in new[] { 3, 31 })
        {
            using var operands = new Operands(backend, new Case(m, 77, 500) { TransposeB = true });
            var args = operands.Args;
            backend.Run(Activated(args) with
            {
                A = args.A.With(new Layout((m, 500), (0, 1), 0)), // one row, m times
                B = args.B.With(new Layout((500, 77), (1, 0), 0)), // one column, 77 times
                Alpha = 0.3f,
            });
            Assert.Single(operands.Read(args.C).Distinct());
        }
    }

    [Fact]
    public async Task Products_on_two_threads_do_not_disturb_each_other()
    {
        using var backend = Device(16);
        Case a = new(130, 200, 500) { TransposeB = true }, b = new(60, 310, 700);
        double[] expectedA = Result(backend, a), expectedB = Result(backend, b);
        var other = Task.Run(() => Enumerable.Range(0, 15).All(_ => expectedB.SequenceEqual(Result(backend, b))));
        Assert.True(Enumerable.Range(0, 15).All(_ => expectedA.SequenceEqual(Result(backend, a))));
        Assert.True(await other);
    }

    [Fact]
    public void A_call_allocates_nothing()
    {
        using var backend = Device(16);
        using var operands = new Operands(backend, new Case(50, 60, 70) { Bias = true, Activation = true, TransposeB = true });
        for (int i = 0; i < 50; i++) operands.Run(true);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) operands.Run(true);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
