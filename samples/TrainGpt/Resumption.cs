using System.Globalization;

namespace TrainGpt;

/// <summary>What <c>--resume</c> may change, by what each option belongs to.</summary>
internal static class Resumption
{
    /// <summary>Refuses other values of what decides the bits of the run so far.</summary>
    /// <param name="asked">The settings to go on with.</param>
    /// <param name="saved">Those of the snapshot, as used.</param>
    /// <param name="given">What the command line says: of several changes one of these is named.</param>
    /// <param name="file">The snapshot.</param>
    /// <exception cref="InputException">One has another value; the message names it and both values.</exception>
    public static void CheckSame(TrainOptions asked, TrainOptions saved, Given given, string file)
    {
        var option = Changed(asked, saved).FirstOrDefault(option =>
            option.Phase >= Phase.Run && given.Has(option) && option.Get(asked) is not null);
        option ??= Changed(asked = asked.Used(), saved).FirstOrDefault(option => option.Phase >= Phase.Run);
        if (option is not null)
            throw new InputException($"--{option.Name} {SettingText.Write(option.Get(asked))} does not fit {file}, which has "
                + $"{SettingText.Write(option.Get(saved))}; leave the option out to go on, or train anew in another --out.");
    }

    /// <summary>Says where the run goes on, and what is another from there.</summary>
    public static void Say(TrainOptions options, TrainOptions saved, long step, TextWriter output)
    {
        output.WriteLine($"Goes on after step {step}.");
        var changed = Changed(options, saved).Where(option => option.Phase == Phase.Course).Select(option =>
            $"--{option.Name} {SettingText.Write(option.Get(saved))} -> {SettingText.Write(option.Get(options))}").ToArray();
        if (changed.Length > 0) output.WriteLine($"Changed from here on: {string.Join(", ", changed)}.");
        SaySchedule(options, saved, step + 1, output);
    }

    /// <summary>Settings with the saved tokenizer's name where another file holds the same.</summary>
    /// <exception cref="InputException">The file is no tokenizer.</exception>
    public static TrainOptions WithSameTokenizer(TrainOptions asked, TrainOptions saved, Tokenizer tokenizer) =>
        asked.Tokenizer is { } given && given != saved.Tokenizer && (TokenizerChoice.Names.Contains(given) || Path.Exists(given))
            && TokenizerChoice.Open(given)?.ToJson() == tokenizer.ToJson() ? asked with { Tokenizer = saved.Tokenizer } : asked;

    private static void SaySchedule(TrainOptions options, TrainOptions saved, long step, TextWriter output)
    {
        if (options.Schedule() == saved.Schedule()) return;
        double now = options.Schedule().At(step), before = saved.Schedule().At(step), last = options.Schedule().At(options.Steps);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"The learning rate goes on with {now:G3} at step {step} (was {before:G3}) and ends with {last:G3} at step {options.Steps}."));
    }

    private static IEnumerable<Declaration> Changed(TrainOptions options, TrainOptions saved) =>
        Declaration.Of<TrainOptions>().Where(option => !Equals(option.Get(options), option.Get(saved)));
}
