using System.Runtime.Intrinsics;

namespace Mayfly;

/// <summary>Makes the CPU backend of this machine.</summary>
public static class CpuBackends
{
    /// <summary>The environment variable that chooses the vector width where the caller does not.</summary>
    public const string Variable = "MAYFLY_VECTOR";

    /// <summary>A CPU backend.</summary>
    /// <param name="threads">Threads that compute; 0: all cores.</param>
    /// <param name="vectorBits">128, 256 or 512; 0: the value of MAYFLY_VECTOR, or else the widest this machine computes in.</param>
    /// <exception cref="ArgumentException">The thread count is negative, or the width is none of the allowed ones.</exception>
    public static Backend Create(int threads = 0, int vectorBits = 0)
    {
        if (threads < 0)
            throw new ArgumentException($"CpuBackends: {threads} threads; give 0 for all cores or a positive number.", nameof(threads));
        int count = threads == 0 ? Environment.ProcessorCount : threads;
        return (vectorBits == 0 ? DefaultBits() : vectorBits) switch
        {
            128 => new CpuBackend<F4>(count),
            256 => new CpuBackend<F8>(count),
            512 => new CpuBackend<F16>(count),
            _ => throw new ArgumentException(
                $"CpuBackends: vectors of {vectorBits} bits; allowed are 128, 256 and 512, or 0 for the widest.", nameof(vectorBits)),
        };
    }

    private static int DefaultBits()
    {
        string? text = Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(text)) return Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;
        return text is "128" or "256" or "512"
            ? int.Parse(text)
            : throw new ArgumentException($"{Variable} is '{text}'; allowed are 128, 256 and 512, or leave it unset for the widest.");
    }
}
