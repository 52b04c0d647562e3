namespace Mayfly.Tests;

/// <summary>A test of what only the emulation of ILGPU does; skipped where the build has the package.</summary>
public sealed class EmulationFactAttribute : FactAttribute
{
    public EmulationFactAttribute() => Skip = OnlyWhere.Emulated;
}

/// <summary>A test of what only the emulation of ILGPU does; skipped where the build has the package.</summary>
public sealed class EmulationTheoryAttribute : TheoryAttribute
{
    public EmulationTheoryAttribute() => Skip = OnlyWhere.Emulated;
}

/// <summary>A test of the ILGPU package; skipped where the build has only the emulation.</summary>
public sealed class PackageFactAttribute : FactAttribute
{
    public PackageFactAttribute() => Skip = OnlyWhere.Packaged;
}

/// <summary>A test of the ILGPU package; skipped where the build has only the emulation.</summary>
public sealed class PackageTheoryAttribute : TheoryAttribute
{
    public PackageTheoryAttribute() => Skip = OnlyWhere.Packaged;
}

/// <summary>Why a test is skipped, or null: whether the build has the package ILGPU.Algorithms is the only reason.</summary>
internal static class OnlyWhere
{
    public static string? Emulated => Ilgpu.IsPackage ? "the build has the package ILGPU.Algorithms, which compiles the emulation of it (src/Kernels/Fallback) out; -p:UseIlgpu=false builds with it" : null;

    public static string? Packaged => Ilgpu.IsPackage ? null : "the package ILGPU.Algorithms 1.5.3 is missing: no feed of this build served it; -p:UseIlgpu=true demands it and says so";
}
