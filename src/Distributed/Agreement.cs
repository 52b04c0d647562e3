using System.Text;

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
    public static void ShareNumbers(this DataParallel exchange, Updater updater)
    {
        var states = updater.Assignments.Zip(updater.States)
            .Where(s => !exchange.IsShared(s.First.Parameter)).ToList();
        double[] all = [.. states.SelectMany(s => s.Second.Numbers.Select(n => exchange.Steps(s.First.Parameter) ? n.Value : 0))];
        exchange.Sum(all);
        int next = 0;
        foreach (var (_, state) in states)
            foreach (string name in state.Numbers.Select(n => n.Name).ToList()) state.Number(name) = all[next++];
    }
}
