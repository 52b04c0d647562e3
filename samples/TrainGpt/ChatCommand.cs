using System.CommandLine;

namespace TrainGpt;

/// <summary>The options of <c>chat</c>.</summary>
internal sealed record ChatOptions : SamplingOptions
{
    [Setting("How a chat is written; fitting: as the model says, or the tokenizer's special tokens, else plain.",
        Words = typeof(TemplateChoice))]
    public string Template { get; init; } = TemplateChoice.Fitting;

    [Setting("What the chat begins with, before the first line is read.", Otherwise = "nothing")]
    public string? System { get; init; }

    [Setting("The most tokens of an answer.", Min = 1, Max = 1 << 20)]
    public int Tokens { get; init; } = 500;
}

/// <summary><c>chat</c>: answers line by line, each with the turns before it in mind.</summary>
internal static class ChatCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("chat",
            $"Talks with a model; an empty line, {PromptLoop.Quit} or the end of the input ends it, and Ctrl+C ends an answer.");
        return CommandLine.Bind<ChatOptions>(command, given => Run(given.Over(new ChatOptions()), context));
    }

    private static void Run(ChatOptions options, CommandContext context)
    {
        if (options is { Init: null, Tokenizer: not null }) throw new InputException("--tokenizer is for --init; a run has its own.");
        string asked = options.Template;
        using var trained = TrainedModel.Load(options, context, (_, settings, _) =>
            asked = asked == TemplateChoice.Fitting ? settings.Template : asked);
        var chat = new Chat(trained.Model, trained.Tokenizer, Template(asked, trained), options);
        PromptLoop.Run(context, (line, number, stop) => TextGenerator.Write(context.Output, chat.Answer(line, number), stop));
    }

    /// <summary>The template that is asked for, that of the run, that in the model's files, or what fits the tokenizer.</summary>
    /// <exception cref="InputException">The model's is none of those known.</exception>
    private static ChatTemplate Template(string asked, TrainedModel trained) =>
        asked != TemplateChoice.Fitting ? ChatTemplate.Named(asked)
        : trained.Jinja is { } jinja ? ChatTemplate.Recognize(jinja)
        : ChatTemplate.For(trained.Tokenizer);
}

/// <summary>A chat with a model.</summary>
internal sealed class Chat
{
    private readonly LanguageModel model;
    private readonly Tokenizer tokenizer;
    private readonly ChatTemplate template;
    private readonly ChatOptions options;
    private readonly TokenEncoder encoder;
    private readonly List<ChatMessage> turns = [];

    public Chat(LanguageModel model, Tokenizer tokenizer, ChatTemplate template, ChatOptions options)
    {
        (this.model, this.tokenizer, this.template, this.options) = (model, tokenizer, template, options);
        encoder = new TokenEncoder(tokenizer, 1);
        if (options.System is { Length: > 0 } system) turns.Add(new ChatMessage("system", system));
    }

    /// <summary>The pieces of an answer. What was said of it is remembered, even where it was stopped.</summary>
    /// <exception cref="InputException">The vocabulary lacks a part of the line, or it is too long for the context.</exception>
    public IEnumerable<string> Answer(string line, int number)
    {
        turns.Add(new ChatMessage("user", line));
        int[] prompt = Prompt();
        int? end = tokenizer.SpecialTokens.TryGetValue(template.EndOfTurn, out int id) ? id : tokenizer.EndOfText;
        string[] stops = tokenizer.SpecialTokens.ContainsKey(template.EndOfTurn) ? [] : [template.EndOfTurn];
        var pieces = model.GenerateText([prompt], options.Tokens, Sampling(number), ids => tokenizer.DecodeNext(ids), stops, end);
        return Remembered(pieces.Select(piece => piece.Text));
    }

    private IEnumerable<string> Remembered(IEnumerable<string> pieces)
    {
        var said = new System.Text.StringBuilder();
        try
        {
            foreach (string piece in pieces)
            {
                said.Append(piece);
                yield return piece;
            }
        }
        finally
        {
            turns.Add(new ChatMessage(ChatTemplate.Assistant, said.ToString()));
        }
    }

    /// <summary>The chat so far; where it leaves too little of the context, without its oldest turns.</summary>
    private int[] Prompt()
    {
        int first = turns[0].Role == "system" ? 1 : 0;
        while (true)
        {
            int[] ids = Ids();
            if (ids.Length < model.Context) return ids;
            if (turns.Count - first <= 1)
            {
                turns.RemoveAt(turns.Count - 1);
                throw new InputException($"The line has {ids.Length} tokens with what belongs to it; the context is {model.Context}.");
            }

            turns.RemoveRange(first, 2); // a question and its answer
        }
    }

    private int[] Ids()
    {
        try
        {
            var tokens = encoder.ToMemory(template.Ask(turns));
            int[] ids = new int[tokens.Count];
            tokens.Copy(0, ids);
            return ids;
        }
        catch (InputException)
        {
            turns.RemoveAt(turns.Count - 1);
            throw;
        }
    }

    private Sampling Sampling(int number) => new()
    {
        Temperature = options.Temperature,
        TopK = options.TopK,
        TopP = options.TopP,
        Seed = options.Seed + (ulong)number,
    };
}
