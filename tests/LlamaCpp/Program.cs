using System.Globalization;
using Xunit.Runner.InProc.SystemConsole;

namespace Mayfly.Tests;

/// <summary>
/// All tests; or a file's perplexity in llama.cpp (<c>perplexity MODEL.gguf TEXT CONTEXT CHUNKS</c>), as its own program of that name
/// measures it.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (args is not ["perplexity", var model, var text, var context, var chunks]) return await ConsoleRunner.Run(args);
        using var opened = new LlamaCppModel(model);
        Console.WriteLine(Perplexity(opened, File.ReadAllText(text), Number(context), Number(chunks)));
        return 0;
    }

    /// <summary>
    /// Over windows side by side whose first token becomes the begin of a text, if the file has one; the second half of each is scored.
    /// </summary>
    private static string Perplexity(LlamaCppModel model, string text, int context, int most)
    {
        int[] begin = model.Encode("", addsBegin: true), ids = [.. begin, .. model.Encode(text)];
        double sum = 0, squares = 0;
        int count = 0, chunks = Math.Min(most, ids.Length / context);
        for (int chunk = 0; chunk < chunks; chunk++)
        {
            int[] window = ids[(chunk * context)..((chunk + 1) * context)];
            begin.CopyTo(window, 0);
            float[][] logits = model.Logits(window);
            for (int i = context / 2; i < context - 1; i++, count++)
            {
                double loss = Loss(logits[i], window[i + 1]);
                (sum, squares) = (sum + loss, squares + loss * loss);
            }
        }

        double mean = sum / count, deviation = Math.Sqrt((squares / count - mean * mean) / (count - 1));
        return string.Create(CultureInfo.InvariantCulture,
            $"perplexity {Math.Exp(mean):F2} +/- {Math.Exp(mean) * deviation:F2}, loss {mean:F4} over {count} tokens of {chunks} chunks");
    }

    private static double Loss(float[] logits, int target)
    {
        double largest = logits.Max();
        return largest + Math.Log(logits.Sum(value => Math.Exp(value - largest))) - logits[target];
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
