using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace TrainGpt;

/// <summary>Gives a command the options that a record declares.</summary>
internal static class CommandLine
{
    /// <summary>Adds the options, and what is to be done with those that are given.</summary>
    public static Command Bind<T>(Command command, Action<Given> run) where T : CommandOptions, new()
    {
        var options = Declaration.Of<T>().Select(declared => new DeclaredOption(declared, declared.Help<T>)).ToArray();
        foreach (var option in options) command.Add(option);
        command.SetAction(parse => run(new Given(
            [.. from o in options where parse.GetResult(o) is { Implicit: false } select (o.Declared, parse.GetValue(o)!.Of)])));
        return command;
    }

    /// <summary>Lets the help of all commands say what their options are.</summary>
    public static void DescribeOnHelp(RootCommand root) => root.Options.OfType<HelpOption>().Single().Action = new DescribingHelp();

    /// <summary>What a word says, which may be null.</summary>
    private sealed record Value(object? Of);

    private sealed class DeclaredOption : Option<Value>
    {
        private const int Many = 1 << 16;
        private readonly Func<string> help;

        public DeclaredOption(Declaration declared, Func<string> help) : base($"--{declared.Name}")
        {
            (Declared, this.help) = (declared, help);
            Arity = new ArgumentArity(declared.IsSwitch ? 0 : 1, declared.IsList ? Many : 1);
            CustomParser = Read;
        }

        public Declaration Declared { get; }

        /// <summary>Takes time: the words and the defaults of other options are found out.</summary>
        public void Describe() => (HelpName, Description) = (Declared.Kind, help());

        private Value? Read(ArgumentResult result)
        {
            try
            {
                return new Value(Declared.Read([.. result.Tokens.Select(token => token.Value)]));
            }
            catch (FormatException e)
            {
                result.AddError($"{Name}{e.Message}");
                return null;
            }
        }
    }

    private sealed class DescribingHelp : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parse)
        {
            foreach (var option in parse.CommandResult.Command.Options.OfType<DeclaredOption>()) option.Describe();
            return new HelpAction().Invoke(parse);
        }
    }
}
