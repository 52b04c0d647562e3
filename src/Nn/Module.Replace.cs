using System.IO.Enumeration;

namespace Mayfly;

public abstract partial class Module
{
    private Module? substitute;

    /// <summary>What answers this module's calls: itself, or what stands in its place.</summary>
    private Module Called => substitute is null ? this : substitute.Called;

    /// <summary>True where another module answers the calls of this one.</summary>
    public bool IsReplaced => substitute is not null;

    /// <summary>
    /// Puts another module in the place of each whose path fits <paramref name="pattern"/>; of nested ones the outermost. Whoever called
    /// the old one calls the new one from now on. Names follow the new tree, shared parameters stay shared, and what no longer belongs to
    /// the model is freed. An updater is made after it.
    /// </summary>
    /// <param name="pattern">A path in which * stands for any text and ? for one letter, as in <c>blocks.*.attention.qkv</c>.</param>
    /// <param name="make">
    /// Makes the new module from the old one, which it may keep as a part by <see cref="Add{T}(string, T)"/>. It takes the calls of the old
    /// one.
    /// </param>
    /// <returns>How many fit.</returns>
    /// <exception cref="ArgumentException">None fits.</exception>
    /// <exception cref="InvalidOperationException">This module is a part of another.</exception>
    public int Replace(string pattern, Func<Module, Module> make)
    {
        if (Path.Length > 0) throw new InvalidOperationException(
            $"Replace: {Path} is a part of a model; call it on the whole model, whose names it keeps right.");
        var found = Find(pattern).Distinct().ToList();
        if (found.Count == 0)
            throw new ArgumentException(
                $"Replace: no module of {Label} fits '{pattern}'; it has {string.Join(", ", Modules().Skip(1).Select(m => m.Path))}.");
        var before = Owned().ToList();
        try
        {
            var made = found.ConvertAll(old => make((Module)old.MemberwiseClone()));
            for (int i = 0; i < made.Count; i++) found[i].PassTo(made[i]);
        }
        finally
        {
            Settle();
            MoveTo("", []);
        }

        foreach (var gone in before.Except(Owned())) gone.Dispose();
        return found.Count;
    }

    private IEnumerable<Module> Find(string pattern) => Children.SelectMany(child =>
        FileSystemName.MatchesSimpleExpression(pattern, child.Path, ignoreCase: false) ? [child] : child.Find(pattern));

    /// <summary>
    /// The old module itself stays where its callers hold it and passes their calls on; a copy of it, with the same parts, goes on as
    /// before.
    /// </summary>
    private void PassTo(Module made)
    {
        made.SetTraining(trains);
        substitute = made;
    }

    /// <summary>Lets the tree hold what answers the calls.</summary>
    private void Settle()
    {
        for (int i = 0; i < members.Count; i++)
        {
            if (members[i].Child is not { } child) continue;
            members[i] = members[i] with { Child = child.Called };
            child.Called.Settle();
        }
    }

    /// <summary>Requires that nothing stands in the place of this module, which is called by what would not reach it.</summary>
    /// <exception cref="InvalidOperationException">It was replaced.</exception>
    protected void CheckOwn()
    {
        if (substitute is not null)
            throw new InvalidOperationException(
                $"{Label} was replaced by {Called.GetType().Name}, which Call and AddTo alone reach; leave modules of other calls alone.");
    }
}
