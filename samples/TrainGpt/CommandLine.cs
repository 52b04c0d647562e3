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
            [.. from o in options where parse.GetResult(o) is { Implicit: false } select (o.Declared, o.Value(parse))])));
        return command;
    }

    /// <summary>What is wrong with a command line, first a word that is none of its own; null where nothing is.</summary>
    public static string? Problem(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        if (parse.UnmatchedTokens is not [var first, ..]) return parse.Errors is [var error, ..] ? error.Message : null;
        string word = parse.UnmatchedTokens.FirstOrDefault(token => token.StartsWith('-')) ?? first;
        string[] options = [.. command.Options.Select(option => option.Name)], commands = [.. command.Subcommands.Select(sub => sub.Name)];
        return word.StartsWith('-') || commands.Length == 0
            ? $"There is no option '{word}'{Suggestion.For(word, options)}"
            : $"There is no command '{word}'{Suggestion.For(word, [.. commands, .. options])}";
    }

    /// <summary>Lets the help of all commands say what their options are.</summary>
    public static void DescribeOnHelp(RootCommand root) => root.Options.OfType<HelpOption>().Single().Action = new DescribingHelp();

    /// <summary>What a word says, which may be null.</summary>
    private sealed record Word(object? Says);

    private sealed class DeclaredOption : Option<Word>
    {
        private const int Many = 1 << 16;
        private readonly Func<string> help;

        public DeclaredOption(Declaration declared, Func<string> help) : base($"--{declared.Name}")
        {
            (Declared, this.help) = (declared, help);
            Arity = new ArgumentArity(declared.IsSwitch ? 0 : 1, Many); // given again, the last one counts
            CustomParser = Read;
        }

        public Declaration Declared { get; }

        /// <summary>Takes time: the words and the defaults of other options are found out.</summary>
        public void Describe() => (HelpName, Description) = (Declared.Kind, help());

        /// <summary>What a command line gives it. A switch that comes last without a word says so, whatever came before.</summary>
        public object? Value(ParseResult parse)
        {
            if (!Declared.IsSwitch) return parse.GetValue(this)!.Says;
            var tokens = parse.Tokens;
            int last = Enumerable.Range(0, tokens.Count).Last(i => tokens[i].Type == TokenType.Option && tokens[i].Value == Name);
            bool hasWord = last + 1 < tokens.Count && tokens[last + 1].Type == TokenType.Argument;
            return hasWord ? parse.GetValue(this)!.Says : Declared.Read([]);
        }

        private Word? Read(ArgumentResult result)
        {
            try
            {
                string[] words = [.. result.Tokens.Select(token => token.Value)];
                return new Word(Declared.Read(Declared.IsList ? words : words[^Math.Min(1, words.Length)..]));
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
