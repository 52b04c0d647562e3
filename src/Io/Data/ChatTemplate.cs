namespace Mayfly;

/// <summary>A turn of a chat.</summary>
/// <param name="Role">Who speaks: system, user or assistant.</param>
/// <param name="Content">What is said.</param>
public readonly record struct ChatMessage(string Role, string Content);

/// <summary>
/// How a chat is written as text with special tokens around its turns. What the assistant says, and the token that ends its turn, is to be
/// learned; all else is read.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>The role whose turns are learned.</summary>
    public const string Assistant = "assistant";

    private const string System = "system", User = "user";
    private static readonly string[] Roles = [System, User, Assistant];

    private readonly Func<ChatMessage, Turn> turn;
    private readonly string begin;
    private readonly bool joinsSystem;

    private ChatTemplate(
        string name, string sign, string end, Func<ChatMessage, Turn> turn, string jinja, string begin = "", bool joinsSystem = false) =>
        (Name, Sign, EndOfTurn, this.turn, Jinja, this.begin, this.joinsSystem) = (name, sign, end, turn, jinja, begin, joinsSystem);

    /// <summary>Roles by name, without special tokens: for tokenizers that have none.</summary>
    public static ChatTemplate Plain { get; } = new("plain", "", "\n", message => new(
        [new($"{char.ToUpperInvariant(message.Role[0])}{message.Role[1..]}: ")], message.Content, [new("\n")]),
        EachMessage("message['role']|capitalize + ': ' + message['content'] + '\\n'", "Assistant: "));

    /// <summary>ChatML, of Qwen and many others.</summary>
    public static ChatTemplate ChatMl { get; } = new("chatml", "<|im_start|>", "<|im_end|>", message => new(
        [new("<|im_start|>", true), new($"{message.Role}\n")], message.Content, [new("<|im_end|>", true), new("\n")]),
        EachMessage("'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n'", "<|im_start|>assistant\\n"));

    /// <summary>Llama 2's chats: a system message stands in the first one of the user.</summary>
    public static ChatTemplate Llama2 { get; } = new("llama2", "[INST]", "</s>", message => message.Role == Assistant
        ? new([new(" ")], message.Content.Trim(), [new(" "), new("</s>", true)])
        : new([new("<s>", true), new("[INST] ")], message.Content.Trim(), [new(" [/INST]")]),
        "{% set ns = namespace(system='') %}{% for message in messages %}{% if message['role'] == 'system' %}"
        + "{% set ns.system = '<<SYS>>\\n' + message['content'] + '\\n<</SYS>>\\n\\n' %}{% elif message['role'] == 'user' %}"
        + "{{ '<s>[INST] ' + (ns.system + message['content'])|trim + ' [/INST]' }}{% set ns.system = '' %}"
        + "{% else %}{{ ' ' + message['content']|trim + ' </s>' }}{% endif %}{% endfor %}", joinsSystem: true);

    /// <summary>Llama 3's chats.</summary>
    public static ChatTemplate Llama3 { get; } = new("llama3", "<|start_header_id|>", "<|eot_id|>", message => new(
        [new("<|start_header_id|>", true), new(message.Role), new("<|end_header_id|>", true), new("\n\n")], message.Content.Trim(),
        [new("<|eot_id|>", true)]),
        "{{ '<|begin_of_text|>' }}" + EachMessage("'<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + "
            + "message['content']|trim + '<|eot_id|>'", "<|start_header_id|>assistant<|end_header_id|>\\n\\n"),
        begin: "<|begin_of_text|>");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ChatTemplate> All { get; } = [Plain, ChatMl, Llama2, Llama3];

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>What ends a turn of the assistant: a special token, or text.</summary>
    public string EndOfTurn { get; }

    /// <summary>The same in Jinja's language, as other programs read it.</summary>
    public string Jinja { get; }

    /// <summary>What only its chats have; empty for none.</summary>
    private string Sign { get; }

    /// <summary>The template of a name.</summary>
    /// <exception cref="InputException">There is none; the message lists those known.</exception>
    public static ChatTemplate Named(string name) => All.FirstOrDefault(template => template.Name == name)
        ?? throw new InputException($"There is no chat template '{name}'; known are {string.Join(", ", All.Select(t => t.Name))}.");

    /// <summary>The template that a tokenizer has the special tokens of, else <see cref="Plain"/>.</summary>
    public static ChatTemplate For(Tokenizer tokenizer) =>
        All.FirstOrDefault(template => template.Sign.Length > 0 && tokenizer.SpecialTokens.ContainsKey(template.Sign)) ?? Plain;

    /// <summary>The same as <see cref="Recognize"/>, or null where it is none of those known.</summary>
    /// <param name="jinja">The template of a model's file.</param>
    public static ChatTemplate? Find(string jinja) => All.FirstOrDefault(template =>
        template.Jinja == jinja || (template.Sign.Length > 0 && jinja.Contains(template.Sign, StringComparison.Ordinal)));

    /// <summary>The template that a model's file has in Jinja's language: by what its text has in it, not by running it.</summary>
    /// <exception cref="InputException">It is another one than those known.</exception>
    public static ChatTemplate Recognize(string jinja) => Find(jinja)
        ?? throw new InputException("The model's chat template is none of those known, "
            + $"{string.Join(", ", All.Select(t => t.Name))}; choose one by --template.");

    /// <summary>A chat as parts of a document.</summary>
    /// <param name="messages">The turns.</param>
    /// <exception cref="InputException">A role is unknown; the message names it and its place.</exception>
    public IEnumerable<DocumentPart> Write(IReadOnlyList<ChatMessage> messages)
    {
        Check(messages);
        var turns = joinsSystem ? Joined(messages) : messages;
        if (begin.Length > 0) yield return DocumentPart.Of(begin) with { IsSpecial = true, IsIgnored = true };
        for (int i = 0; i < turns.Count; i++)
        {
            var written = turn(turns[i]);
            bool isLearned = turns[i].Role == Assistant;
            foreach (var piece in written.Before) yield return Part(piece) with { IsIgnored = true };
            if (written.Content.Length > 0) yield return DocumentPart.Of(written.Content) with { IsIgnored = !isLearned };
            for (int k = 0; k < written.After.Length; k++)
                yield return Part(written.After[k]) with
                {
                    IsIgnored = !isLearned || (k > 0 && !written.After[k].IsSpecial),
                    EndsDocument = i == turns.Count - 1 && k == written.After.Length - 1,
                };
        }
    }

    /// <summary>A chat up to where the assistant's next turn begins: what a model continues.</summary>
    /// <param name="messages">The turns so far.</param>
    /// <exception cref="InputException">A role is unknown.</exception>
    public IEnumerable<DocumentPart> Ask(IReadOnlyList<ChatMessage> messages) =>
        [.. Write(messages).Select(part => part with { EndsDocument = false }),
            .. turn(new ChatMessage(Assistant, "")).Before.Where(piece => !joinsSystem).Select(Part)];

    /// <summary>A prompt and its completion, one after the other without anything between.</summary>
    public static IEnumerable<DocumentPart> Complete(string prompt, string completion)
    {
        if (prompt.Length > 0) yield return DocumentPart.Of(prompt) with { IsIgnored = true };
        yield return DocumentPart.Of(completion) with { EndsDocument = true };
    }

    private static string EachMessage(string text, string ask) =>
        $"{{% for message in messages %}}{{{{ {text} }}}}{{% endfor %}}{{% if add_generation_prompt %}}{{{{ '{ask}' }}}}{{% endif %}}";

    private static DocumentPart Part(Piece piece) => DocumentPart.Of(piece.Text) with { IsSpecial = piece.IsSpecial };

    private static void Check(IReadOnlyList<ChatMessage> messages)
    {
        if (messages.Count == 0) throw new InputException("A chat has no messages.");
        for (int i = 0; i < messages.Count; i++)
            if (!Roles.Contains(messages[i].Role)) throw new InputException(
                $"messages[{i}].role: '{InputException.Short(messages[i].Role)}' is unknown; known are {string.Join(", ", Roles)}.");
    }

    private static List<ChatMessage> Joined(IReadOnlyList<ChatMessage> messages)
    {
        var turns = messages.ToList();
        if (turns is [{ Role: System } system, { Role: User } first, ..])
            turns = [new(User, $"<<SYS>>\n{system.Content}\n<</SYS>>\n\n{first.Content}"), .. turns.Skip(2)];
        return turns.Exists(message => message.Role == System)
            ? throw new InputException("messages: llama2 takes a system message at the begin alone, before one of the user.")
            : turns;
    }

    /// <summary>A turn as it is written.</summary>
    private sealed record Turn(Piece[] Before, string Content, Piece[] After);

    private readonly record struct Piece(string Text, bool IsSpecial = false);
}
