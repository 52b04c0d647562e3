using System.Reflection;

namespace Mayfly.Tests;

/// <summary>Each kernel of the GPU backend's matrix product, whatever the backend would choose for the shape.</summary>
public sealed class GpuGemmTests : IDisposable
{
    private static readonly (bool A, bool B)[] transposes = [(false, false), (false, true), (true, false), (true, true)];

    private readonly Backend gpu = TestDevice.NewBackend();

    /// <summary>All kernels but that of wide squares, whose 256 lanes each cost a thread of the host here.</summary>
    public static TheoryData<string> Kinds => new(Enum.GetNames<GemmKind>().Except([nameof(GemmKind.Wide)]));

    /// <summary>The other kernels whose groups compute a square of C, with the square's side.</summary>
    public static TheoryData<string, int> Squares => new() { { nameof(GemmKind.Narrow), 32 }, { nameof(GemmKind.Middle), 64 } };

    public void Dispose() => gpu.Dispose();

    [Theory, MemberData(nameof(Kinds))]
    public void Agrees_wherever_the_operands_are_dense(string kind)
    {
        foreach (var (a, b) in transposes)
        {
            var x = new GemmTests.Case(4, 8, 20) { TransposeA = a, TransposeB = b, Alpha = -0.5f };
            Agrees(kind, x);
            Agrees(kind, x with { Gap = 4, Beta = 2f });
            Agrees(kind, x with { Gap = 3, Beta = 2f });
            Agrees(kind, x with { Offset = 1 });
            Agrees(kind, new(3, 5, 7) { TransposeA = a, TransposeB = b, Gap = 1 });
        }
    }

    [Theory, MemberData(nameof(Squares))]
    public void Agrees_around_the_borders_of_squares(string kind, int side)
    {
        foreach (var (a, b) in transposes)
        {
            Agrees(kind, new(side + 1, 3, 17) { TransposeA = a, TransposeB = b });
            Agrees(kind, new(4, side + 4, 12) { TransposeA = a, TransposeB = b });
        }

        Agrees(kind, new(side, side, 5) { Bias = true });
        Agrees(kind, new(side - 1, side + 1, 8) { Offset = 2 });
    }

    [Fact]
    public void Agrees_in_wide_squares()
    {
        const string wide = nameof(GemmKind.Wide);
        foreach (var (a, b) in transposes)
        {
            Agrees(wide, new(4, 132, 20) { TransposeA = a, TransposeB = b, Bias = true, Before = true, Activation = true, Beta = 0.5f });
            Agrees(wide, new(129, 3, 9) { TransposeA = a, TransposeB = b, Offset = 1, Gap = 2, Residual = GemmTests.Added.Matrix });
        }

        Agrees(wide, new(5, 8, 39) { Residual = GemmTests.Added.InPlace, Beta = 1f }, pieces: 3);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Agrees_with_every_addition(string kind)
    {
        foreach (int n in new[] { 1, 7, 36 })
            foreach (var residual in Enum.GetValues<GemmTests.Added>())
                Agrees(kind,
                    new(3, n, 9) { Bias = true, Before = true, Activation = true, Residual = residual, Beta = n == 7 ? 0f : -0.5f });
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Agrees_for_batches(string kind)
    {
        foreach (bool repeat in new[] { false, true })
            foreach (int gap in new[] { 0, 1 })
                Agrees(kind, new(5, 8, 12) { Batch = 3, RepeatB = repeat, Gap = gap, TransposeB = repeat, Beta = gap });
    }

    [Theory, MemberData(nameof(Kinds))]
    public void An_empty_inner_axis_leaves_beta_c_and_the_additions(string kind)
    {
        foreach (float beta in new[] { 0f, -3f }) Agrees(kind, new(3, 8, 0) { Beta = beta, Bias = true, Activation = true });
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Agrees_where_k_is_cut_into_pieces(string kind)
    {
        foreach (var (a, b) in transposes)
        {
            var x = new GemmTests.Case(4, 12, 40)
            {
                TransposeA = a, TransposeB = b, Bias = true, Before = true, Activation = true, Beta = 1f,
            };
            Agrees(kind, x, pieces: 3);
            Agrees(kind, x with { K = 39, N = 11, Offset = 1 }, pieces: 2);
        }

        Agrees(kind, new(2, 3, 16), pieces: 5);
    }

    [Fact]
    public void Squares_of_any_side_give_the_same_bits()
    {
        var x = new GemmTests.Case(37, 45, 43) { TransposeB = true, Bias = true, Activation = true, Alpha = 0.3f };
        double[] expected = GemmTests.Result(gpu, x, new(GemmKind.Direct));
        foreach (var kind in new[] { GemmKind.Narrow, GemmKind.Middle, GemmKind.Wide })
            Assert.Equal(expected, GemmTests.Result(gpu, x, new(kind)));
    }

    /// <summary>Operands that start and step by multiples of 16 bytes are read four numbers at a time, others one by one.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public void The_bits_do_not_depend_on_alignment(string kind)
    {
        var x = new GemmTests.Case(4, 8, 24) { Activation = true, Beta = 0.5f };
        var plan = new GemmPlan(Enum.Parse<GemmKind>(kind));
        double[] expected = GemmTests.Result(gpu, x, plan);
        foreach (var y in new[] { x with { Gap = 1 }, x with { Gap = 4 }, x with { Offset = 3 } })
            Assert.Equal(expected, GemmTests.Result(gpu, y, plan).Where(number => !double.IsNaN(number)));
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(5, 0)]
    public void An_empty_result_is_left_alone(int m, int n) => GemmTests.AssertAgrees(gpu, new(m, n, 7));

    [Theory]
    [InlineData(1, 8192, 768, 768, nameof(GemmKind.Wide), 1)] // a layer of a GPT
    [InlineData(1, 768, 768, 8192, nameof(GemmKind.Wide), 8)] // its weight's gradient
    [InlineData(96, 256, 256, 64, nameof(GemmKind.Wide), 1)]
    [InlineData(1, 512, 512, 512, nameof(GemmKind.Narrow), 1)]
    [InlineData(1, 4096, 64, 64, nameof(GemmKind.Narrow), 1)]
    [InlineData(1, 16384, 64, 64, nameof(GemmKind.Middle), 1)]
    [InlineData(1, 64, 64, 65536, nameof(GemmKind.Middle), 128)]
    [InlineData(1, 1, 768, 768, nameof(GemmKind.Dots), 1)] // one token
    [InlineData(1, 1, 768, 40, nameof(GemmKind.Direct), 1)]
    [InlineData(7, 3, 5, 0, nameof(GemmKind.Direct), 1)]
    public void The_plan_fills_a_gpu(int batch, int m, int n, int k, string kind, int pieces) =>
        Assert.Equal(new GemmPlan(Enum.Parse<GemmKind>(kind), pieces), GemmPlan.For(batch, m, n, k, deep: true));

    [Theory]
    [InlineData(nameof(GemmKernels.Direct), typeof(GemmTests.SoftSign))]
    [InlineData(nameof(GemmKernels.Dots), typeof(GemmTests.SoftSign))]
    [InlineData(nameof(GemmKernels.Finish), typeof(GemmTests.SoftSign))]
    [InlineData(nameof(GemmKernels.Tiles), typeof(GemmTests.SoftSign), typeof(NarrowTile))]
    [InlineData(nameof(GemmKernels.Tiles), typeof(GemmTests.SoftSign), typeof(MiddleTile))]
    [InlineData(nameof(GemmKernels.Tiles), typeof(GemmTests.SoftSign), typeof(WideTile))]
    public void A_kernel_has_only_what_ilgpu_takes(string kernel, params Type[] arguments) =>
        Assert.Empty(IlgpuRules.Check(
            typeof(GemmKernels).GetMethod(kernel, BindingFlags.Public | BindingFlags.Static)!.MakeGenericMethod(arguments)));

    private void Agrees(string kind, GemmTests.Case x, int pieces = 1) =>
        GemmTests.AssertAgrees(gpu, x, new(Enum.Parse<GemmKind>(kind), pieces));
}
