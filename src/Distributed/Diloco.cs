using System.Diagnostics;

namespace Mayfly;

/// <summary>
/// Trains one model on workers that seldom meet (DiLoCo, Douillard et al. 2023): each steps a copy of its own, and every so many steps all
/// step the weights that they began from by the mean of what they have changed, in 8 bits. They meet in a folder that all see, so that no
/// worker depends on another one's life: who does not come in time is left out, and who comes later takes part from the next meeting on.
/// <code>
/// var diloco = new Diloco(updater, folder, new DilocoOptions { Worker = 0, Workers = 2, Every = 100 });
/// diloco.Start();
/// while (updater.GlobalStep &lt; steps)
/// {
///     updater.Step(loss);
///     if (diloco.IsDue) diloco.Synchronise();
/// }
/// </code>
/// </summary>
public sealed class Diloco
{
    private const int PollMilliseconds = 20, MostPollMilliseconds = 500;
    private readonly Updater updater;
    private readonly SyncFolder folder;
    private readonly DilocoOptions options;
    private readonly OuterState outer;
    private int saved;

    /// <summary>Prepares a worker; its weights are those of the model. Nothing is written yet.</summary>
    /// <param name="updater">What makes the inner steps. Its state gets two numbers for each trainable weight.</param>
    /// <param name="folder">Where the workers meet; it is made where it is missing.</param>
    /// <param name="options">The settings, but for the worker's number the same for all.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    /// <exception cref="InputException">The folder cannot be written.</exception>
    public Diloco(Updater updater, string folder, DilocoOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)options.Worker, (uint)DilocoOptions.MostWorkers, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Workers, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Every, 1);
        (this.updater, this.options) = (updater, options);
        this.folder = new SyncFolder(folder);
        outer = new OuterState(updater);
    }

    /// <summary>The synchronisations that this worker's weights have been through.</summary>
    public int Round => outer.Round;

    /// <summary>True where so many steps were made since the last one that it is time.</summary>
    public bool IsDue => updater.GlobalStep - outer.Step >= options.Every;

    /// <summary>True where a step was made since the last one.</summary>
    public bool IsBehind => updater.GlobalStep > outer.Step;

    /// <summary>True where the others went on without this worker, so that it has to join them.</summary>
    public bool HasMissed => folder.Decided(Round + 1) is { } next && !next.Workers.Contains(options.Worker);

    /// <summary>The bytes that a worker writes at each synchronisation, and reads of each other one.</summary>
    public long ChangeBytes => outer.ChangeBytes;

    /// <summary>
    /// Gives an updater the state that a worker needs, as the constructor does: before a snapshot is restored, or to plan its memory.
    /// </summary>
    /// <returns>The bytes that a worker writes at each synchronisation.</returns>
    public static long Prepare(Updater updater) => new OuterState(updater).ChangeBytes;

    /// <summary>Finds out what all workers have to have alike: the text of the one that came first, be it this one.</summary>
    /// <exception cref="InputException">The folder cannot be written.</exception>
    public string Agree(string own) => folder.Agree(own);

    /// <summary>
    /// Catches up with the others, for a worker that joins or was away: where a round was decided without it, it takes the weights that
    /// came of it, and its step becomes theirs.
    /// </summary>
    /// <exception cref="InputException">The folder cannot be read or written.</exception>
    public void Start()
    {
        while (HasMissed)
        {
            if (Shared > Round) TakeShared();
            else Take(folder.Decided(Round + 1)!);
        }

        if (folder.Decided(Round) is { } last) folder.Ask(options.Worker, !last.Next.Contains(options.Worker));
    }

    /// <summary>
    /// Gives the others what the inner steps have changed, waits for theirs, and makes the outer step. Who does not come within
    /// <see cref="DilocoOptions.Wait"/> is left out. Afterwards the weights are those of all workers.
    /// </summary>
    /// <returns>Who took part.</returns>
    /// <exception cref="InputException">The folder cannot be read or written.</exception>
    /// <exception cref="NonFiniteException">A change is infinite or not a number.</exception>
    /// <exception cref="OperationCanceledException">It was stopped while it waited; it can be repeated, after a resumption too.</exception>
    public SyncRound Synchronise(CancellationToken stop = default)
    {
        int round = Round + 1;
        string own = folder.ChangesOf(round, options.Worker);
        if (!File.Exists(own)) outer.WriteChanges(own, options.Seed, options.Worker); // or it was killed after that
        var decided = Wait(round, stop);
        Take(decided);
        Start();
        return decided;
    }

    /// <summary>
    /// Says that a snapshot was saved: the weights are written for workers that join, by one of all, and what only older snapshots need is
    /// deleted. Those before the last two can then not go on exactly.
    /// </summary>
    public void Saved()
    {
        folder.Keep(options.Worker, saved);
        saved = Round;
        if (folder.Decided(Round) is not { } last) return;
        if (last.Next.Min() == options.Worker && Shared < Round) outer.Write(folder.SharedAfter(Round));
        folder.Clear(options.Worker, last.Next);
    }

    /// <summary>The last round whose weights are there for workers that join; 0 where there is none.</summary>
    private int Shared => folder.SharedRounds().LastOrDefault();

    /// <summary>Waits until a round is decided, or decides it: when all have come that are expected, or time is up.</summary>
    private SyncRound Wait(int round, CancellationToken stop)
    {
        long start = Stopwatch.GetTimestamp();
        int[] expected = Expected(round);
        for (int pause = PollMilliseconds; ; pause = Math.Min(2 * pause, MostPollMilliseconds))
        {
            if (folder.Decided(round) is { } decided) return decided;
            int[] here = folder.Delivered(round);
            if (expected.All(here.Contains) || Stopwatch.GetElapsedTime(start) >= options.Wait) return Decide(round, here, expected);
            Pause(pause, stop);
        }
    }

    private int[] Expected(int round) =>
        folder.Decided(round - 1)?.Next ?? [.. Enumerable.Range(0, round == 1 ? options.Workers : 0)];

    private SyncRound Decide(int round, int[] here, int[] expected)
    {
        int[] whole = [.. here.Where(worker => IsWhole(folder.ChangesOf(round, worker)))];
        if (whole.Length == 0) whole = [options.Worker]; // whose reading says what is wrong
        int[] away = [.. expected.Except(whole)];
        foreach (int worker in away) folder.Ask(worker, asks: false); // one that lives asks again
        int[] joining = [.. folder.Joining().Except(whole).Except(away)];
        return folder.Decide(new SyncRound(round, updater.GlobalStep, whole, away, [.. whole.Union(joining).Order()]));
    }

    private static bool IsWhole(string file)
    {
        try
        {
            using var reader = SafeTensorsReader.Open(file);
            reader.Verify();
            return true;
        }
        catch (InputException)
        {
            return false;
        }
    }

    /// <summary>Takes the weights that came of a round: by its changes, or where they are gone already, those after a later one.</summary>
    private void Take(SyncRound round)
    {
        if (!IsThere(round)) TakeShared();
        else
        {
            try
            {
                Apply(round);
            }
            catch (InputException) when (!IsThere(round))
            {
                TakeShared();
            }
        }
    }

    private bool IsThere(SyncRound round) => round.Workers.All(worker => File.Exists(folder.ChangesOf(round.Round, worker)));

    private void Apply(SyncRound round)
    {
        var files = new List<SafeTensorsReader>();
        try
        {
            foreach (int worker in round.Workers) files.Add(SafeTensorsReader.Open(folder.ChangesOf(round.Round, worker)));
            foreach (var file in files) file.Verify();
            outer.Apply(options.Outer, round, files);
        }
        finally
        {
            foreach (var file in files) file.Dispose();
        }
    }

    private void TakeShared()
    {
        int round = Shared;
        if (round <= Round || folder.Decided(round) is not { } decided)
            throw new InputException($"'{folder.Path}' lacks files of round {Round + 1}, and weights of a later one; take a new "
                + "folder.");
        outer.Read(folder.SharedAfter(round), decided);
    }

    private static void Pause(int milliseconds, CancellationToken stop)
    {
        stop.WaitHandle.WaitOne(milliseconds);
        stop.ThrowIfCancellationRequested();
    }
}
