using System.Runtime.Intrinsics;

namespace Mayfly.Tests;

/// <summary>Each vector width forced in a process of its own, by our variable and by the run-time's hardware switches.</summary>
public class VectorWidthTests
{
    private static readonly string[] noAvx512 = ["DOTNET_EnableAVX512", "DOTNET_EnableAVX512F"];
    private static readonly string[] noAvx2 = [.. noAvx512, "DOTNET_EnableAVX2"];

    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void The_variable_forces_the_width(int bits) => Assert.StartsWith($"cpu ({bits}-bit vectors", Probe($"{bits}", []));

    [Fact]
    public void Without_avx512_vectors_have_256_bits() =>
        Assert.StartsWith($"cpu ({(Vector256.IsHardwareAccelerated ? 256 : 128)}-bit vectors", Probe(null, noAvx512));

    [Fact]
    public void Without_avx2_vectors_have_128_bits() => Assert.StartsWith("cpu (128-bit vectors", Probe(null, noAvx2));

    /// <summary>The run-time computes wide vectors in narrower pieces where the hardware lacks them.</summary>
    [Fact]
    public void A_width_the_hardware_lacks_still_computes() => Assert.StartsWith("cpu (512-bit vectors", Probe("512", noAvx2));

    [Fact]
    public void A_width_that_does_not_exist_is_an_error_that_names_the_variable()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Probe("333", []));
        Assert.Contains("MAYFLY_VECTOR is '333'", error.Message);
    }

    /// <summary>What a <see cref="WidthProbe"/> prints that runs in a child process with these variables switched off.</summary>
    private static string Probe(string? width, string[] off)
    {
        var (exitCode, output, errors) = TestProcess.Run("width", environment =>
        {
            environment.Remove(CpuBackends.Variable);
            if (width is not null) environment[CpuBackends.Variable] = width;
            foreach (string variable in off) environment[variable] = "0";
        });
        return exitCode == 0 ? output : throw new InvalidOperationException($"The child process ended with {exitCode}: {errors}");
    }
}
