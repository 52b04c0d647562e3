using System.Text;

namespace Mayfly.Tests;

/// <summary>Chats as text, and what of it is learned.</summary>
public class ChatTemplateTests
{
    private static readonly ChatMessage[] Chat =
        [new("system", "Be brief."), new("user", "Hi"), new("assistant", "Hello"), new("user", "Bye"), new("assistant", "Ciao")];

    /// <summary>What is learned stands in brackets.</summary>
    [Theory]
    [InlineData("plain", "System: Be brief.\nUser: Hi\nAssistant: [Hello\n]User: Bye\nAssistant: [Ciao\n]")]
    [InlineData("chatml", "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
        + "[Hello<|im_end|>]\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n[Ciao<|im_end|>]\n")]
    [InlineData("llama2", "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] [Hello </s>]<s>[INST] Bye [/INST] [Ciao </s>]")]
    [InlineData("llama3", "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user"
        + "<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n[Hello<|eot_id|>]<|start_header_id|>user"
        + "<|end_header_id|>\n\nBye<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n[Ciao<|eot_id|>]")]
    public void A_chat_is_written_as_its_model_knows_it(string name, string expected)
    {
        var template = ChatTemplate.Named(name);
        var text = new StringBuilder();
        bool learned = false;
        DocumentPart[] parts = [.. template.Write(Chat)];
        foreach (var part in parts)
        {
            if (learned == part.IsIgnored) text.Append(learned ? ']' : '[');
            learned = !part.IsIgnored;
            text.Append(Encoding.UTF8.GetString(part.Utf8.Span));
        }

        Assert.Equal(expected, $"{text}{(learned ? "]" : "")}");
        Assert.Equal(parts.Length - 1, Array.FindIndex(parts, part => part.EndsDocument));
        string asked = string.Concat(template.Ask(Chat[..^1]).Select(part => Encoding.UTF8.GetString(part.Utf8.Span)));
        Assert.StartsWith(asked, Plain(expected));
        Assert.StartsWith("Ciao", Plain(expected)[asked.Length..].TrimStart(' '));
    }

    [Theory]
    [InlineData("{% for m in messages %}<|im_start|>{{ m.role }}", "chatml")]
    [InlineData("{{ '<|start_header_id|>' + message['role'] }}", "llama3")]
    [InlineData("{{ '[INST] ' + message['content'] + ' [/INST]' }}", "llama2")]
    public void A_models_template_is_recognized(string jinja, string name) => Assert.Equal(name, ChatTemplate.Recognize(jinja).Name);

    [Fact]
    public void Their_own_Jinja_is_recognized() =>
        Assert.All(ChatTemplate.All, template => Assert.Same(template, ChatTemplate.Recognize(template.Jinja)));

    [Fact]
    public void What_is_unknown_is_said_in_one_line()
    {
        Assert.Contains("none of those known, plain, chatml, llama2, llama3; choose one by --template",
            Assert.Throws<InputException>(() => ChatTemplate.Recognize("{{ '<start_of_turn>' }}")).Message);
        Assert.Contains("messages[1].role: 'tool' is unknown", Assert.Throws<InputException>(() =>
            ChatTemplate.ChatMl.Write([Chat[1], new("tool", "")]).Count()).Message);
        Assert.Contains("at the begin alone", Assert.Throws<InputException>(() =>
            ChatTemplate.Llama2.Write([Chat[1], Chat[0]]).Count()).Message);
        Assert.Contains("no chat template 'x'", Assert.Throws<InputException>(() => ChatTemplate.Named("x")).Message);
    }

    [Theory]
    [InlineData("{\"text\":1}", "an object with a string \"text\", with \"prompt\" and \"completion\", or with \"messages\" is needed.")]
    [InlineData("{\"prompt\":\"a\"}", "is needed.")]
    [InlineData("[]", "a JSON object is needed.")]
    [InlineData("{\"messages\":{}}", "messages: an array is needed.")]
    [InlineData("{\"messages\":[]}", "A chat has no messages.")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\"}]}", "messages[1].content: a string is needed.")]
    [InlineData("{\"messages\":[{\"role\":\"owl\",\"content\":\"a\"}]}", "messages[0].role: 'owl' is unknown")]
    [InlineData("{\"messages\":[1]}", "messages[0].role: a string is needed.")]
    [InlineData("{\"text\":\"\\ud800\"}", "it is not JSON")]
    [InlineData("{", "it is not JSON")]
    public void A_bad_line_is_told_by_its_number_and_field(string line, string problem)
    {
        var stream = new MemoryStream(Encoding.UTF8.GetBytes($"{{\"text\":\"good\"}}\n\n{line}\n"));
        var error = Assert.Throws<BadFileException>(() => JsonLines.Read("a.jsonl", stream, "text", ChatTemplate.ChatMl).Count());
        Assert.Equal("line 3", error.Field);
        Assert.Contains(problem, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    private static string Plain(string expected) => expected.Replace("[INST]", "(").Replace("[/INST]", ")")
        .Replace("[", "").Replace("]", "").Replace("(", "[INST]").Replace(")", "[/INST]");
}
