namespace Mayfly;

/// <summary>
/// Keeps the large weights and states of a device in a working file, and in memory only while they are used: read before, changed in place,
/// written back and dropped, as far as the bound on all the device's memory asks for it. The order of a step's uses is learned, and what
/// comes next is read meanwhile on a thread of its own, which writes back what was changed, too. Results are the same, to the bit. The file
/// is of no use after the run and goes with the device. <see cref="Device.Stream(string, long)"/> makes one; one thread at a time may use
/// what lives in it.
/// </summary>
public sealed class Residency : Pager
{
    /// <summary>What is smaller stays in memory: reading it would cost more than keeping it.</summary>
    internal const long UsualLeast = 64 << 10;

    /// <summary>The part of the bound that is read ahead of its use, at most.</summary>
    private const long AheadShare = 8;

    private readonly Lock gate; // the arena's: memory is taken and given back under it
    private readonly Arena arena;
    private readonly StreamFile? file;
    private readonly AccessOrder order = new();
    private readonly List<Paged> present = [];
    private readonly bool spoils;
    private long uses, stretch, places;
    private bool isClosed;
    private StreamException? failure;

    internal Residency(Arena arena, StreamFile? file, StreamOptions options)
    {
        (this.arena, this.file, gate) = (arena, file, arena.Gate);
        (ResidentBytes, LeastBytes, spoils) = (options.ResidentBytes, options.LeastBytes, options.Spoils);
        arena.Bound(ResidentBytes > 0 ? ResidentBytes : long.MaxValue, () => Evict(isForLater: false));
    }

    /// <summary>
    /// The most bytes of memory that the device's tensors may take, buffers of what lives in the file included; 0 where there is no bound
    /// and nothing stays longer than an op needs it.
    /// </summary>
    public long ResidentBytes { get; }

    /// <summary>Weights and states of as many bytes or more live in the file.</summary>
    public long LeastBytes { get; }

    /// <summary>The bytes that live in the file.</summary>
    public long StreamedBytes { get; private set; }

    /// <summary>The bytes that were asked of the file so far.</summary>
    public long ReadBytes { get; private set; }

    /// <summary>The bytes that were given to the file so far.</summary>
    public long WrittenBytes { get; private set; }

    /// <summary>Deletes a working file that a process has left which died; one in use and any other file stay.</summary>
    public static void ClearLeft(string path)
    {
        if (!File.Exists(path)) return;
        try
        {
            new StreamFile(path, new StreamDisk()).Dispose(); // takes it over, and deletes it
        }
        catch (StreamException)
        {
            // it is not ours
        }
    }

    /// <inheritdoc/>
    public override void Settle()
    {
        if (IsHeld) return;
        lock (gate)
        {
            stretch++;
            if (ResidentBytes == 0) DropAll();
        }
    }

    /// <inheritdoc/>
    public override void StartStep()
    {
        lock (gate) order.Start();
    }

    /// <inheritdoc/>
    public override void EndStep()
    {
        lock (gate) order.End();
    }

    /// <summary>Closes and deletes the file. What lived in it cannot be used any more.</summary>
    public override void Dispose()
    {
        lock (gate)
        {
            if (isClosed) return;
            isClosed = true;
            arena.Bound(long.MaxValue, null);
        }

        file?.Dispose();
    }

    /// <summary>True for what lives in the file.</summary>
    internal override bool Takes(Use use, long bytes) => use is Use.Weight or Use.State && bytes >= LeastBytes && !isClosed;

    internal override Lent Add(long bytes, Use use, string name)
    {
        lock (gate)
        {
            long place = file?.Take(bytes) ?? places++;
            StreamedBytes += bytes;
            return new Paged(this, bytes, place, name);
        }
    }

    internal void Remove(Paged page)
    {
        lock (gate)
        {
            if (page.Transfer is { } transfer) file!.CallOff(transfer);
            (page.Transfer, page.IsDirty) = (null, false);
            Release(page);
            order.Remove(page);
            StreamedBytes -= page.Bytes;
            file?.Return(page.Place, page.Bytes);
        }
    }

    internal Block Fetch(Paged page, bool writes)
    {
        lock (gate)
        {
            Check(page);
            bool isFirst = page.Stretch != stretch;
            (page.Stretch, page.LastUse, page.IsExpected) = (stretch, ++uses, false);
            if (page.Buffer is null) Bring(page);
            if (page.Transfer is { } transfer && (writes || !transfer.Writes)) Finish(page, transfer);
            page.IsDirty |= writes;
            if (!isFirst) return page.Buffer!;
            order.Note(page);
            WriteBack();
            LookAhead();
            return page.Buffer!;
        }
    }

    private void Check(Paged page)
    {
        if (isClosed) throw new ObjectDisposedException(nameof(Residency), $"{page.Name} lived in a working file, which is closed.");
        if (failure is not null) throw new StreamException(failure.Message, failure);
    }

    /// <summary>Takes memory for it and begins to read what the file has.</summary>
    private void Bring(Paged page)
    {
        page.Buffer = arena.Rent(page.Bytes, Use.Stream, page.Name);
        present.Add(page);
        if (page.IsStored) Start(page, writes: false);
    }

    private void Start(Paged page, bool writes)
    {
        page.IsDirty = false;
        page.IsStored |= writes;
        if (writes) WrittenBytes += page.Bytes;
        else ReadBytes += page.Bytes;
        if (file is null) return;
        page.Transfer = new Transfer(page, (HostBlock)page.Buffer!, writes);
        file.Start(page.Transfer);
    }

    /// <exception cref="StreamException">It failed; so does every use from then on, as what was written last may be lost.</exception>
    private void Finish(Paged page, Transfer transfer)
    {
        page.Transfer = null;
        try
        {
            file!.Finish(transfer);
        }
        catch (StreamException e)
        {
            failure ??= e;
            throw;
        }
    }

    /// <summary>Begins to write what was changed before this stretch.</summary>
    private void WriteBack()
    {
        foreach (var page in present)
            if (page.IsDirty && page.Stretch != stretch) Start(page, writes: true);
    }

    /// <summary>Begins to read what comes next, as far as there is room for it beside what was used lately.</summary>
    private void LookAhead()
    {
        long left = ResidentBytes / AheadShare;
        foreach (var page in order.Next())
        {
            if ((left -= page.Bytes) < 0) return;
            (page.LastUse, page.IsExpected) = (++uses, page.Stretch != stretch);
            if (page.Buffer is not null) continue;
            if (!arena.HasRoom(page.Bytes, () => Evict(isForLater: true))) return;
            Bring(page);
        }
    }

    /// <summary>Gives the memory back of what was used longest ago; false where all is in use.</summary>
    /// <param name="isForLater">True: for something that is only expected, for which nothing else expected has to go.</param>
    private bool Evict(bool isForLater)
    {
        Paged? oldest = null;
        foreach (var page in present)
            if (page.Stretch != stretch && !(isForLater && page.IsExpected) && !(page.LastUse > oldest?.LastUse)) oldest = page;
        if (oldest is null) return false;
        Drop(oldest);
        return true;
    }

    private void Drop(Paged page)
    {
        if (page.IsDirty) Start(page, writes: true);
        if (page.Transfer is { } transfer) Finish(page, transfer);
        Release(page);
    }

    private void Release(Paged page)
    {
        if (page.Buffer is not { } buffer) return;
        (page.Buffer, page.IsExpected) = (null, false);
        present.Remove(page);
        arena.Return(buffer, page.Bytes, Use.Stream, page.Name);
    }

    /// <summary>Drops all; in tests spoils the memory, so that who still holds an address is found out.</summary>
    private void DropAll()
    {
        foreach (var page in present.ToArray())
        {
            var buffer = page.Buffer;
            Drop(page);
            if (spoils && buffer is HostBlock block) block.Part(0, (int)page.Bytes).Fill(0xFF);
        }
    }
}

/// <summary>How a device streams.</summary>
internal sealed record StreamOptions
{
    /// <summary>See <see cref="Residency.ResidentBytes"/>.</summary>
    public required long ResidentBytes { get; init; }

    /// <summary>See <see cref="Residency.LeastBytes"/>.</summary>
    public long LeastBytes { get; init; } = Residency.UsualLeast;

    /// <summary>True: what is dropped is overwritten, for tests.</summary>
    public bool Spoils { get; init; }

    /// <summary>The operating system, or what a test has put in its place.</summary>
    public StreamDisk Disk { get; init; } = new();
}
