namespace Mayfly;

/// <summary>Where the GPU kernels' compiler comes from: the ILGPU package, or this library's host emulation where no feed serves the package.</summary>
public static class Ilgpu
{
    /// <summary>True where this build took the ILGPU package.</summary>
    public static bool IsPackage =>
#if ILGPU_PACKAGE
        true;
#else
        false;
#endif

    /// <summary>Which one this build took, in words.</summary>
    public static string Description => IsPackage
        ? $"ILGPU {typeof(ILGPU.Context).Assembly.GetName().Version}"
        : "host emulation of ILGPU (the package was not available to the build)";
}
