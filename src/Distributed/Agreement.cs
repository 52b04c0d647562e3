using System.Text;
using System.Text.Json;

namespace Mayfly;

/// <summary>What all ranks have to have alike, so that they train one model.</summary>
public static class Agreement
{
    /// <summary>Tells all ranks a text of each, in their order.</summary>
    public static string[] Tell(this ICollectives ranks, string text)
    {
        byte[] own = Encoding.UTF8.GetBytes(text);
        int[] lengths = new int[ranks.Ranks];
        ranks.AllGather(BitConverter.GetBytes(own.Length), System.Runtime.InteropServices.MemoryMarshal.AsBytes(lengths.AsSpan()));
        int most = lengths.Max();
        byte[] all = new byte[most * ranks.Ranks];
        Array.Resize(ref own, most);
        ranks.AllGather(own, all);
        return [.. lengths.Select((length, rank) => Encoding.UTF8.GetString(all, rank * most, length))];
    }

    /// <summary>Does something on each rank and tells all what came of it, in their order; the error of one is the error of all.</summary>
    /// <exception cref="AgreedException">It failed on one; the message names it.</exception>
    /// <exception cref="NonFiniteException">It failed so on one.</exception>
    internal static T[] Together<T>(this CollectiveQueue queue, Func<T> action)
    {
        string own = JsonSerializer.Serialize(Result<T>.Of(action));
        string[] all = [];
        queue.Do(ranks => all = ranks.Tell(own));
        var results = Array.ConvertAll(all, one => JsonSerializer.Deserialize<Result<T>>(one)!);
        int failed = Array.FindIndex(results, one => one.Error is not null);
        if (failed < 0) return Array.ConvertAll(results, one => one.Value!);
        string error = results[failed].Error!;
        if (results[failed].IsNonFinite) throw new NonFiniteException(error);
        throw new AgreedException(failed > 0 ? $"rank {failed}: {error}" : error);
    }

    /// <summary>The CRC-32C of all weights that all ranks have; on request, to find ranks that have drifted apart.</summary>
    public static string WeightHash(IEnumerable<Parameter> parameters)
    {
        var hash = new ChecksumStream();
        hash.Restart();
        foreach (var parameter in parameters)
            if (Shards.OwnerOf(parameter) is null) SafeTensorsWriter.WriteTensor(hash, parameter.Value);
        return hash.Value.ToString("x8", System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Gives all ranks the numbers that rules remember of weights which one rank steps, as a snapshot needs them.</summary>
    internal static void ShareNumbers(this DataParallel exchange, Updater updater)
    {
        var states = updater.Assignments.Zip(updater.States)
            .Where(s => !exchange.IsShared(s.First.Parameter)).ToList();
        double[] all = [.. states.SelectMany(s => s.Second.Numbers.Select(n => exchange.Steps(s.First.Parameter) ? n.Value : 0))];
        exchange.Sum(all);
        int next = 0;
        foreach (var (_, state) in states)
            foreach (string name in state.Numbers.Select(n => n.Name).ToList()) state.Number(name) = all[next++];
    }

    /// <summary>What came of something.</summary>
    private sealed record Result<T>(T? Value, string? Error, bool IsNonFinite)
    {
        public static Result<T> Of(Func<T> action)
        {
            try
            {
                return new(action(), null, false);
            }
            catch (Exception e) when (e is InputException or NonFiniteException)
            {
                return new(default, e.Message, e is NonFiniteException);
            }
        }
    }
}
