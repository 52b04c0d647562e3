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

internal static class OnlyWhere
{
    public static string? Emulated => Ilgpu.IsPackage ? "only the emulation of ILGPU does this, and the build has the package" : null;

    public static string? Packaged => Ilgpu.IsPackage ? null : "the build has no ILGPU package: no package feed served it";
}
