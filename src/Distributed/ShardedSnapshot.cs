using System.Text.Json;

namespace Mayfly;

/// <summary>
/// Snapshots of a model that is divided among ranks: each rank writes the weights and the state that it has into a file of its own, all at
/// once; when these are on the disk, the first writes the snapshot's file, which names them. Until then, and where one of them fails, the
/// folder has the snapshot that it had. All ranks call the same; their folder is one that all of them see.
/// <code>
/// ShardedSnapshot.Save(exchange, "run", model.Parameters(), updater, updater.GlobalStep, config);
/// using var snapshot = Snapshot.Open("run");          // by any number of processes
/// </code>
/// </summary>
public static class ShardedSnapshot
{
    /// <summary>Saves the newest one; see <see cref="Snapshot.Save"/>.</summary>
    /// <exception cref="AgreedException">A file of one of the ranks cannot be written, or the first does not see it.</exception>
    /// <exception cref="NonFiniteException">A weight or a state has an infinity or NaN; the message names it.</exception>
    /// <exception cref="RankLostException">Another rank has failed or died.</exception>
    public static void Save<TConfiguration>(
        DataParallel exchange, string folder, IReadOnlyList<Parameter> parameters, Updater updater, long step,
        TConfiguration configuration, Tokenizer? tokenizer = null, double? validationLoss = null)
    {
        exchange.ShareNumbers(updater);
        var writer = Snapshot.Writer(parameters, updater, step, configuration, tokenizer, validationLoss);
        Save(exchange, folder, writer, updater.Device, () => Snapshot.IsWhole(folder, exchange.Rank, exchange.Ranks),
            (manifest, isWhole) => Snapshot.Save(folder, manifest, () => isWhole));
    }

    /// <summary>Saves the best one; see <see cref="Snapshot.SaveBest"/>.</summary>
    /// <exception cref="AgreedException">A file of one of the ranks cannot be written, or the first does not see it.</exception>
    /// <exception cref="NonFiniteException">A weight or a state has an infinity or NaN; the message names it.</exception>
    /// <exception cref="RankLostException">Another rank has failed or died.</exception>
    public static void SaveBest<TConfiguration>(
        DataParallel exchange, string folder, IReadOnlyList<Parameter> parameters, Updater updater, long step,
        TConfiguration configuration, Tokenizer? tokenizer, double validationLoss)
    {
        exchange.ShareNumbers(updater);
        var writer = Snapshot.Writer(parameters, updater, step, configuration, tokenizer, validationLoss);
        Save(exchange, folder, writer, updater.Device, () => true, (manifest, _) => Snapshot.SaveBest(folder, manifest));
    }

    private static void Save(
        DataParallel exchange, string folder, SafeTensorsWriter writer, Device device, Func<bool> isWhole,
        Action<SafeTensorsWriter, bool> save)
    {
        KeyValuePair<string, string>[] metadata = [.. writer.Metadata];
        try
        {
            var told = exchange.Queue.Together(() => new Told(Write(exchange, folder, writer, device), isWhole()));
            exchange.Queue.Together(() =>
            {
                if (exchange.Rank > 0) return 0;
                CheckSeen(folder, told);
                save(SnapshotParts.Manifest(metadata, told.Select(t => t.Part).OfType<SnapshotPart>()), told.All(t => t.IsNewestWhole));
                return 0;
            });
        }
        catch (Exception e) when (exchange.Rank == 0 && e is (AgreedException or NonFiniteException))
        {
            Snapshot.ClearParts(folder);
            throw;
        }
    }

    /// <summary>Writes what this rank has; the first writes what all have.</summary>
    private static SnapshotPart? Write(DataParallel exchange, string folder, SafeTensorsWriter writer, Device device)
    {
        using var held = device.Pager?.Hold(alone: true) ?? default; // the others look at others
        return writer.Keep(tensor => exchange.Rank == ((tensor?.Storage.Block as Shard)?.Owner ?? 0))
            ? SnapshotParts.Write(folder, writer, exchange.Rank, exchange.Ranks)
            : null;
    }

    private static void CheckSeen(string folder, Told[] told)
    {
        for (int rank = 1; rank < told.Length; rank++)
            if (told[rank].Part is { } part && new FileInfo(Path.Combine(folder, part.File)) is var file
                && !(file.Exists && file.Length == part.Bytes))
                throw new InputException($"Rank {rank} has written '{part.File}', which rank 0 does not find in '{folder}': a snapshot of "
                    + "divided weights needs a folder that all ranks see.");
    }

    /// <summary>What a rank has written, and whether what it looked at of the newest snapshot is whole.</summary>
    private sealed record Told(SnapshotPart? Part, bool IsNewestWhole);
}
