namespace Mayfly;

/// <summary>A buffer to be read from the working file or written to it, once.</summary>
internal sealed class Transfer(Paged page, HostBlock buffer, bool writes)
{
    /// <summary>What is moved.</summary>
    public Paged Page => page;

    /// <summary>The memory.</summary>
    public HostBlock Buffer => buffer;

    /// <summary>True from memory to file.</summary>
    public bool Writes => writes;

    /// <summary>How far it is; guarded by the file's queue.</summary>
    public TransferState State { get; set; }

    /// <summary>Why it failed, or null.</summary>
    public Exception? Error { get; set; }
}

/// <summary>How far a transfer is.</summary>
internal enum TransferState
{
    /// <summary>Nobody has begun it.</summary>
    Waiting,

    /// <summary>A thread is at it.</summary>
    Running,

    /// <summary>It is over, or was called off.</summary>
    Done,
}
