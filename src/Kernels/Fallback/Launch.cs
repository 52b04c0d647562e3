using System.Reflection;

namespace ILGPU.Runtime;

/// <summary>Runs the groups of one launch, one after the other, and says which kernel and which argument failed.</summary>
internal static class Launch
{
    public static void Run(Accelerator accelerator, KernelConfig config, Delegate kernel, Action body, Func<object[]> arguments)
    {
        int lanes = config.GroupDim.Size;
        if (lanes < 1 || lanes > accelerator.MaxNumThreadsPerGroup || config.GridDim.Size < 1)
            throw new NotSupportedException(
                $"Kernel {Name(kernel)}: {config.GridDim.Size} groups of {lanes} lanes; a group has 1 to {accelerator.MaxNumThreadsPerGroup}.");
        try
        {
            using var group = new SimulatedGroup(accelerator, config, body);
            for (int z = 0; z < config.GridDim.Z; z++)
                for (int y = 0; y < config.GridDim.Y; y++)
                    for (int x = 0; x < config.GridDim.X; x++) group.Run(new Index3D(x, y, z));
        }
        catch (Exception e) when (e is ViewException or BarrierException)
        {
            string place = e is ViewException view ? $", argument {Argument(kernel, arguments(), view.Start)}" : "";
            throw new InvalidOperationException($"Kernel {Name(kernel)}{place}: {e.Message}.", e);
        }
    }

    private static string Name(Delegate kernel) => kernel.Method.IsGenericMethod
        ? $"{kernel.Method.Name}<{string.Join(", ", kernel.Method.GetGenericArguments().Select(t => t.Name))}>"
        : kernel.Method.Name;

    /// <summary>The name of the kernel argument that holds the view, or of its field; views of shared memory belong to none.</summary>
    private static string Argument(Delegate kernel, object[] arguments, long start)
    {
        var parameters = kernel.Method.GetParameters();
        for (int i = 0; i < arguments.Length; i++)
            if (Find(arguments[i], start, parameters[i].Name ?? "") is { } name) return name;
        return "(shared memory)";
    }

    private static string? Find(object value, long start, string name)
    {
        if (value is IView view) return start == view.Start || (start > view.Start && start < view.Start + view.Bytes) ? name : null;
        if (value.GetType().IsPrimitive || value.GetType().IsEnum) return null;
        return value.GetType().GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Select(field => Find(field.GetValue(value)!, start, $"{name}.{field.Name}")).FirstOrDefault(found => found is not null);
    }
}

/// <summary>A barrier, or an exchange between lanes, that some lanes of the group never reach.</summary>
internal sealed class BarrierException(string message) : Exception(message);
