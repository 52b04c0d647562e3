#:package Tokenizers.DotNet@1.4.1
#:package Tokenizers.DotNet.runtime.linux-x64@1.4.1
#:property PublishAot=false

// Puts the ids of Hugging Face's Rust tokenizers in the place of those that differ in a file that huggingface.mjs wrote, and names them:
//   dotnet run rust.cs FILE OUT
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

var cases = JsonNode.Parse(File.ReadAllText(args[0]))!.AsArray();
string file = Path.GetTempFileName();
foreach (var c in cases)
{
    File.WriteAllText(file, c!["tokenizer"]!.ToJsonString());
    var tokenizer = new Tokenizers.DotNet.Tokenizer(file);
    foreach (var vector in c["vectors"]!.AsArray())
    {
        int[] ids = [.. tokenizer.Encode((string)vector!["text"]!).Select(id => (int)id)];
        if (ids.SequenceEqual(vector["ids"]!.AsArray().Select(id => (int)id!))) continue;
        Console.WriteLine($"{c["name"]}: {vector["text"]!.ToJsonString()}");
        vector["ids"] = new JsonArray([.. ids.Select(id => (JsonNode)id)]);
    }
}

string json = cases.ToJsonString(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
File.WriteAllText(args[1], json.Replace("{\"name\"", "\n{\"name\"") + "\n");
