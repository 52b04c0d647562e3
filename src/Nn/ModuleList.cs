using System.Collections;

namespace Mayfly;

/// <summary>Modules in a row, named by their numbers: as <c>blocks</c> of a model, <c>blocks.0</c>, <c>blocks.1</c> and so on.</summary>
/// <typeparam name="T">What they have in common.</typeparam>
public class ModuleList<T> : Module, IReadOnlyList<T> where T : Module
{
    private readonly T[] modules;

    /// <summary>A list of modules.</summary>
    /// <param name="modules">In their order.</param>
    public ModuleList(params IEnumerable<T> modules)
    {
        this.modules = [.. modules];
        for (int i = 0; i < this.modules.Length; i++) Add($"{i}", this.modules[i]);
    }

    /// <summary>How many there are.</summary>
    public int Count => modules.Length;

    /// <summary>One of them. Where it was replaced, its calls go to the new one.</summary>
    public T this[int index] => modules[index];

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)modules).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>Modules of which each is called with the result of the one before it.</summary>
/// <param name="modules">In the order of the calls; at least one, or the result is the input.</param>
public sealed class Sequential(params IEnumerable<Module> modules) : ModuleList<Module>(modules)
{
    /// <summary>x through all modules; each says its shapes.</summary>
    protected override Tensor Forward(Tensor x)
    {
        foreach (var module in this) x = module.Call(x);
        return x;
    }
}

/// <summary>A function without parameters as a module: <c>new Function(x => x.Relu())</c>.</summary>
/// <param name="function">What is computed; tensors it makes on the way are freed.</param>
public sealed class Function(Func<Tensor, Tensor> function) : Module
{
    /// <summary>function(x).</summary>
    protected override Tensor Forward(Tensor x) => function(x);
}
