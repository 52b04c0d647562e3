namespace Mayfly;

/// <summary>Where the GPU kernels' compiler comes from: the ILGPU package, this library's host emulation where no feed serves the package, or nowhere.</summary>
public static class Ilgpu
{
    /// <summary>True where this build took the ILGPU package: only then it computes on GPUs.</summary>
    public static bool IsPackage =>
#if ILGPU_PACKAGE
        true;
#else
        false;
#endif

    /// <summary>True where a host emulation stands in for the package, for tests of GPU kernels on small shapes. A build for the CPU only does not offer it.</summary>
    public static bool IsEmulated =>
#if ILGPU_PACKAGE || CPU_ONLY
        false;
#else
        true;
#endif

    /// <summary>Which one this build took, in words.</summary>
    public static string Description => IsPackage
        ? $"ILGPU {typeof(ILGPU.Context).Assembly.GetName().Version}"
        : IsEmulated ? "host emulation of ILGPU, for tests (the package was not available to the build)" : "no ILGPU: this build is for the CPU only";
}
