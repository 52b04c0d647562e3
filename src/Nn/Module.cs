using System.IO.Enumeration;

namespace Mayfly;

/// <summary>
/// A part of a model: parameters and other modules, registered by <c>Add</c> in the constructor, and a forward pass. Parameters are named
/// by their path, as in <c>blocks.0.attention.qkv.weight</c>. Each call opens an arena scope, so everything the forward pass made is freed
/// when it returns, except the result and what the tape saved.
/// </summary>
public abstract partial class Module : IDisposable
{
    private readonly List<Member> members = [];
    private readonly List<Tensor> constants = [];
    private bool trains = true;

    /// <summary>The name within the model; empty at the root.</summary>
    public string Path { get; private set; } = "";

    /// <summary>
    /// True while training: dropout is active. False also while a <see cref="LanguageModel"/> is asked for the next tokens.
    /// </summary>
    public bool IsTraining => trains && !LanguageModel.IsAsked;

    /// <summary>The modules directly below, in the order of registration.</summary>
    public IEnumerable<Module> Children => members.Where(m => m.Child is not null).Select(m => m.Child!);

    /// <summary>The number of trainable and frozen numbers.</summary>
    public long ParameterCount => Parameters().Sum(p => p.Shape.Count);

    /// <summary>Where the parameters live.</summary>
    /// <exception cref="InvalidOperationException">The module has no parameters.</exception>
    public Device Device => First()?.Value.Device
        ?? throw new InvalidOperationException($"{Label}: a module without parameters has no device of its own.");

    /// <summary>The parameter of the given name: the full one, or the one within this module.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public Parameter this[string name] => Parameters().FirstOrDefault(p => p.Name == name || p.Name == Join(Path, name))
        ?? throw new KeyNotFoundException(
            $"{Label} has no parameter '{name}'; it has {string.Join(", ", Parameters().Select(p => p.Name))}.");

    /// <summary>All parameters in the order of registration, depth first; a shared one once, where it was registered first.</summary>
    public IReadOnlyList<Parameter> Parameters()
    {
        var all = new List<Parameter>();
        Collect(all, []);
        return all;
    }

    /// <summary>Runs the forward pass in a scope of its own.</summary>
    /// <param name="x">The input; each module says its shape.</param>
    /// <returns>The result, owned by the caller's scope.</returns>
    public Tensor Call(Tensor x)
    {
        var called = Called;
        using var scope = called.Open(x);
        return scope.Return(called.Forward(x));
    }

    /// <summary>The activation of <see cref="Call(Tensor)"/>'s result; one kernel where the module has one for both.</summary>
    /// <param name="x">The input.</param>
    /// <param name="activation">The element-wise formula.</param>
    public Tensor Call<TAct>(Tensor x, TAct activation) where TAct : unmanaged, IMap1<TAct>
    {
        var called = Called;
        using var scope = called.Open(x);
        return scope.Return(called.Forward(x, activation));
    }

    /// <summary>
    /// residual + Dropout(<see cref="Call(Tensor)"/> of x); one kernel where the module has one for both and nothing is dropped.
    /// </summary>
    /// <param name="residual">Of the shape of the result.</param>
    /// <param name="x">The input.</param>
    /// <param name="dropout">The part of the branch's elements that training sets to zero.</param>
    public Tensor AddTo(Tensor residual, Tensor x, float dropout = 0)
    {
        var called = Called;
        using var scope = called.Open(x);
        return scope.Return(called.AddForward(residual, x, dropout));
    }

    /// <summary>
    /// Moves all parameters to a device, in that device's floating-point type unless they are of a type that is storage only. An updater is
    /// made after it.
    /// </summary>
    /// <param name="device">Where they shall live.</param>
    public void To(Device device)
    {
        foreach (var parameter in Parameters()) parameter.MoveTo(device);
    }

    /// <summary>Turns dropout on, in this module and all below.</summary>
    public void Train() => SetTraining(true);

    /// <summary>Turns dropout off, in this module and all below.</summary>
    public void Eval() => SetTraining(false);

    /// <summary>Freezes the parameters whose full name fits <paramref name="pattern"/>: no gradient, no update.</summary>
    /// <param name="pattern">A name in which * stands for any text and ? for one letter, as in <c>blocks.*.attention.*</c>.</param>
    /// <returns>How many fit.</returns>
    /// <exception cref="ArgumentException">None fits.</exception>
    public int Freeze(string pattern = "*") => SetTrainable(pattern, false, nameof(Freeze));

    /// <summary>Makes the parameters whose full name fits <paramref name="pattern"/> trainable again.</summary>
    /// <param name="pattern">As for <see cref="Freeze"/>.</param>
    /// <returns>How many fit.</returns>
    /// <exception cref="ArgumentException">None fits.</exception>
    public int Unfreeze(string pattern = "*") => SetTrainable(pattern, true, nameof(Unfreeze));

    /// <summary>A table: name, shape, role and count of each parameter, and the total.</summary>
    public override string ToString() => ModuleText.Format(this);

    /// <summary>Frees all parameters and constants.</summary>
    public void Dispose()
    {
        foreach (var owned in Owned()) owned.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>What the module computes; a module whose calls take something else than one tensor leaves it out.</summary>
    /// <exception cref="NotSupportedException">The module left it out.</exception>
    protected virtual Tensor Forward(Tensor x) => throw new NotSupportedException(
        $"{Label}: {GetType().Name} is not computed from one tensor; use the Call of its own, with all that it takes.");

    /// <summary>
    /// What <see cref="Call{TAct}(Tensor, TAct)"/> computes: the activation of <see cref="Forward(Tensor)"/>, unless a module has one
    /// kernel for both.
    /// </summary>
    protected virtual Tensor Forward<TAct>(Tensor x, TAct activation) where TAct : unmanaged, IMap1<TAct> => Forward(x).Map(activation);

    /// <summary>
    /// What <see cref="AddTo"/> computes: a sum with <see cref="Forward(Tensor)"/>, unless a module has one kernel for both.
    /// </summary>
    protected virtual Tensor AddForward(Tensor residual, Tensor x, float dropout) =>
        residual + (IsTraining && dropout > 0 ? Forward(x).Dropout(dropout) : Forward(x));

    /// <summary>
    /// Opens the scope of a call, for modules whose calls take something else than one tensor:
    /// <c>using var scope = Open(x); return scope.Return(...);</c>
    /// </summary>
    /// <param name="x">An input; the scope is on its device.</param>
    /// <exception cref="InvalidOperationException">
    /// The module was replaced: such calls would not reach what stands in its place.
    /// </exception>
    protected Scope Open(Tensor x)
    {
        CheckOwn();
        return x.Device.Scope(Label);
    }

    /// <summary>
    /// Registers a module below this one; its parameters get <paramref name="name"/> in front. Call it in the constructor.
    /// </summary>
    /// <returns><paramref name="child"/>.</returns>
    /// <exception cref="ArgumentException">The name is empty or taken.</exception>
    protected T Add<T>(string name, T child) where T : Module
    {
        var known = new HashSet<Parameter>(Parameters());
        Register(new Member(name, child, null));
        child.MoveTo(Join(Path, name), known);
        return child;
    }

    /// <summary>Registers a parameter of this module under its own name. Call it in the constructor.</summary>
    /// <returns><paramref name="parameter"/>.</returns>
    /// <exception cref="ArgumentException">The name is empty or taken.</exception>
    protected Parameter Add(Parameter parameter) => Add(parameter.Name, parameter);

    /// <summary>
    /// Registers a parameter of this module; one shared with another module keeps the name of its first place in the model.
    /// </summary>
    /// <returns><paramref name="parameter"/>.</returns>
    /// <exception cref="ArgumentException">The name is empty or taken.</exception>
    protected Parameter Add(string name, Parameter parameter)
    {
        bool isNew = !Parameters().Contains(parameter);
        Register(new Member(name, null, parameter));
        // A dotted name is a place in a model already: the first place keeps the name.
        if (isNew && !parameter.Name.Contains('.')) parameter.Name = Join(Path, name);
        return parameter;
    }

    /// <summary>
    /// Registers a tensor that is computed once and never trained or saved, as a table of angles; it is freed with the module.
    /// </summary>
    /// <returns><paramref name="constant"/>.</returns>
    protected Tensor AddConstant(Tensor constant)
    {
        constants.Add(constant.Keep());
        return constant;
    }

    private string Label => Path.Length > 0 ? Path : GetType().Name;

    private static string Join(string path, string name) => path.Length > 0 ? $"{path}.{name}" : name;

    private void Register(Member member)
    {
        if (string.IsNullOrWhiteSpace(member.Name)) throw new ArgumentException($"{Label}: a member needs a name.");
        if (members.Any(m => m.Name == member.Name))
            throw new ArgumentException($"{Label}: the name '{member.Name}' is taken; give each member its own.");
        members.Add(member);
    }

    private Parameter? First()
    {
        foreach (var member in members)
            if ((member.Parameter ?? member.Child?.First()) is { } first) return first;
        return null;
    }

    /// <summary>The parameters and constants of this tree.</summary>
    private IEnumerable<IDisposable> Owned() => Parameters().Concat<IDisposable>(Modules().SelectMany(module => module.constants));

    /// <summary>This module and all below, depth first.</summary>
    public IEnumerable<Module> Modules() => Children.SelectMany(child => child.Modules()).Prepend(this);

    private void Collect(List<Parameter> all, HashSet<Parameter> seen)
    {
        foreach (var member in members)
        {
            member.Child?.Collect(all, seen);
            if (member.Parameter is { } parameter && seen.Add(parameter)) all.Add(parameter);
        }
    }

    /// <summary>Renames this tree; parameters that the model knew before keep the name of their first place.</summary>
    private void MoveTo(string path, HashSet<Parameter> known)
    {
        Path = path;
        foreach (var member in members)
        {
            member.Child?.MoveTo(Join(path, member.Name), known);
            if (member.Parameter is { } parameter && known.Add(parameter)) parameter.Name = Join(path, member.Name);
        }
    }

    private void SetTraining(bool training)
    {
        trains = training;
        foreach (var child in Children) child.SetTraining(training);
    }

    private int SetTrainable(string pattern, bool trainable, string verb)
    {
        var matches = Parameters().Where(p => FileSystemName.MatchesSimpleExpression(pattern, p.Name, ignoreCase: false)).ToList();
        if (matches.Count == 0)
            throw new ArgumentException($"{verb}: no parameter of {Label} fits '{pattern}'; print the module for its names.");
        foreach (var parameter in matches) parameter.Trainable = trainable;
        return matches.Count;
    }

    private readonly record struct Member(string Name, Module? Child, Parameter? Parameter);
}
