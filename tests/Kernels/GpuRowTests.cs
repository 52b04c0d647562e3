using System.Reflection;

namespace Mayfly.Tests;

/// <summary>ILGPU takes the row kernels under every row and column formula of the library and of the tests.</summary>
public class GpuRowTests
{
    private static readonly Type[] formulas =
    [
        .. Directory.GetFiles(AppContext.BaseDirectory, "Mayfly.*.dll").SelectMany(file => Assembly.LoadFrom(file).GetTypes())
            .Concat([typeof(TestSoftmax), typeof(TestLayerNorm), typeof(TestLayerNormBack)]).Where(t => t.IsValueType && !t.IsGenericTypeDefinition),
    ];

    public static TheoryData<Type> Rows => Implementing(typeof(IRow<>));

    public static TheoryData<Type> Columns => Implementing(typeof(IColumn<>));

    [Theory]
    [MemberData(nameof(Rows))]
    public void Row_has_only_what_ilgpu_takes(Type formula) => Accept(typeof(RowKernels).GetMethod(nameof(RowKernels.Row))!.MakeGenericMethod(formula));

    [Theory]
    [MemberData(nameof(Columns))]
    public void Column_has_only_what_ilgpu_takes(Type formula) =>
        Accept(typeof(RowKernels).GetMethod(nameof(RowKernels.Columns))!.MakeGenericMethod(formula));

    [Theory]
    [InlineData(typeof(RowKernels), nameof(RowKernels.Parts))]
    [InlineData(typeof(CrossEntropyKernels), nameof(CrossEntropyKernels.Forward))]
    [InlineData(typeof(CrossEntropyKernels), nameof(CrossEntropyKernels.Backward))]
    public void Other_kernels_have_only_what_ilgpu_takes(Type home, string kernel) => Accept(home.GetMethod(kernel)!);

    private static void Accept(MethodInfo kernel) => Assert.Empty(IlgpuRules.Check(kernel));

    private static TheoryData<Type> Implementing(Type shape) =>
        new(formulas.Where(t => t.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == shape)));
}
