namespace Mayfly.Tests;

public class PtxTableTests
{
    [Fact]
    public void Reads_what_a_kernel_has() => Assert.Equal(
        "| k | 1040 | ld.v4.b32 | st.f32 | 2 |",
        PtxTable.Row("k", """
            .shared .align 16 .b8 __shared_alloca0[1024];
            .shared .align 4 .b8 __shared_alloca1[16];
            	ld.param.b64	%rd1, [_x];
            	ld.global.f32	%f1, [%rd1];
            	ld.global.v4.b32	{%r1, %r2, %r3, %r4}, [%rd1];
            	ld.shared.v4.b32	{%r1, %r2, %r3, %r4}, [%rd2];
            	ld.shared.v4.f32	{%f1, %f2, %f3, %f4}, [%rd2];
            	st.shared.v4.f32	[%rd2], {%f1, %f2, %f3, %f4};
            	st.f32	[%rd1], %f1;
            """));

    [Fact]
    public void A_kernel_without_accesses_has_none() => Assert.Equal("| k | 0 | none | none | 0 |", PtxTable.Row("k", "ret;"));

    /// <summary>Each row of docs/gpu.md, the registers where the assembler is there.</summary>
    [Fact]
    public void The_page_says_what_the_compiler_makes()
    {
        string page = File.ReadAllText(Path.Combine(DocsTests.Root!, "docs", "gpu.md"));
        Assert.All(PtxTable.Texts(), kernel => Assert.Contains(PtxTable.Row(kernel.Name, kernel.Ptx), page));
        Assert.SkipUnless(Ptxas.IsThere, Ptxas.Missing);
        Assert.All(PtxTable.Texts(), kernel => Assert.InRange(int.Parse(PtxTable.Registers(kernel.Ptx)), 1, OnPage(kernel.Name)));

        int OnPage(string name) => int.Parse(page.Split('\n').Single(l => l.StartsWith($"| {name} |")).Split('|')[^2]);
    }
}
