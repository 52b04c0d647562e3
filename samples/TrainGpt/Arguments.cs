using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace TrainGpt;

/// <summary>Options that several commands have.</summary>
internal static class Arguments
{
    /// <summary>The folder of a run.</summary>
    public static Option<string> Out(string description) =>
        NotEmpty(new Option<string>("--out") { Description = description, HelpName = "DIR", DefaultValueFactory = _ => TrainOptions.DefaultOut });

    /// <summary>The text.</summary>
    public static Option<string?> Data(string standard) =>
        new("--data") { Description = $"A UTF-8 text file, or a folder of them; a .jsonl file of objects with a field text; or token ids in a .bin file, a folder of nothing else, or a name with * that ends in .bin. [default: {standard}]", HelpName = "FILE|FOLDER" };

    /// <summary>Where to compute.</summary>
    public static Option<string> Device() =>
        new("--device") { Description = "Where to compute: cpu, cuda:0, opencl:0 (and further numbers), auto for the first of these that is there, or ilgpu-cpu, the GPU's kernels on the host for tests of tiny models; devices lists them.", HelpName = "NAME", DefaultValueFactory = _ => TrainOptions.Cpu };

    /// <summary>Computing threads.</summary>
    public static Option<int> Threads() => Number<int>("--threads", "Computing threads of the CPU; 0 takes every core. They do not change the result.", 0);

    /// <summary>A number in the invariant culture; without a <paramref name="standard"/> the description says what stands in for it.</summary>
    public static Option<T> Number<T>(string name, string description, T? standard) where T : struct, IParsable<T>
    {
        var option = new Option<T>(name) { Description = description, HelpName = "N", CustomParser = result => Parse<T>(name, result) };
        if (standard is { } value) option.DefaultValueFactory = _ => value;
        return option;
    }

    /// <summary>The name of a file or folder that can be left out.</summary>
    public static Option<string?> Path(string name, string description, string kind = "FILE") =>
        NotEmpty(new Option<string?>(name) { Description = description, HelpName = kind });

    private static Option<T> NotEmpty<T>(Option<T> option)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "" }]) result.AddError($"{option.Name} is empty; give a name or leave it out.");
        });
        return option;
    }

    private static T Parse<T>(string name, ArgumentResult result) where T : struct, IParsable<T>
    {
        string text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        if (!text.Contains(',') && T.TryParse(text, CultureInfo.InvariantCulture, out var value)) return value; // a comma would set thousands apart: 1,5 is 15
        result.AddError($"{name}: '{text}' is not {(typeof(T) == typeof(double) ? "a number" : "a whole number")} that can be used here.");
        return default;
    }
}
