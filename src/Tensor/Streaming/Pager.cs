namespace Mayfly;

/// <summary>
/// Keeps the large weights and states of a device elsewhere while nobody uses them: in a file (<see cref="Residency"/>), or in the memory
/// of other processes.
/// </summary>
public abstract class Pager : IDisposable
{
    private int holds;

    internal Pager()
    {
    }

    /// <summary>True while all that is used stays in memory.</summary>
    internal bool IsHeld => Volatile.Read(ref holds) > 0;

    /// <summary>True while what is used is used by this process alone.</summary>
    internal bool IsAlone { get; private set; }

    /// <summary>Says that what was used so far may leave the memory: called between ops, where nobody holds an address.</summary>
    public abstract void Settle();

    /// <summary>Until the result is disposed all that is used stays in memory, as while a rule steps a parameter with its states.</summary>
    /// <param name="alone">True: it is used by this process alone, while others do something else.</param>
    public Held Hold(bool alone = false)
    {
        Settle();
        Interlocked.Increment(ref holds);
        IsAlone |= alone;
        return new Held(this, alone);
    }

    /// <summary>A step begins; its uses are expected to be those of the step before.</summary>
    public abstract void StartStep();

    /// <summary>A step is over.</summary>
    public abstract void EndStep();

    /// <summary>A weight is going to be changed by who has it: what was brought here of it before is out of date.</summary>
    public virtual void Forget(Tensor weight)
    {
    }

    /// <summary>State that is made from now on is kept where a weight is; null: where it is made.</summary>
    public virtual void Beside(Tensor? weight)
    {
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>True for what is kept elsewhere.</summary>
    internal abstract bool Takes(Use use, long bytes);

    /// <summary>What stands for as many bytes of memory.</summary>
    internal abstract Lent Add(long bytes, Use use, string name);

    /// <summary>See <see cref="Hold"/>.</summary>
    public readonly struct Held : IDisposable
    {
        private readonly Pager? pager;
        private readonly bool alone;

        internal Held(Pager pager, bool alone) => (this.pager, this.alone) = (pager, alone);

        /// <inheritdoc/>
        public void Dispose()
        {
            if (pager is null) return;
            if (alone) pager.IsAlone = false;
            if (Interlocked.Decrement(ref pager.holds) > 0) return;
            pager.Settle();
        }
    }
}

/// <summary>What a tensor has in place of a block of memory while it is kept elsewhere.</summary>
internal abstract class Lent(long bytes) : Block(bytes)
{
    /// <summary>The memory, with what is kept elsewhere.</summary>
    /// <param name="writes">Whether it is going to be changed.</param>
    public abstract Block Use(bool writes);

    /// <summary>What was used before may leave the memory.</summary>
    public abstract void Settle();

    /// <summary>Gives memory and place back.</summary>
    public abstract void Free();
}
