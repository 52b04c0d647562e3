using Mayfly;

int[] text = new ByteTokenizer().Encode(File.ReadAllText(args is [var file] ? file : "README.md"));
using var model = new Gpt(new GptConfig { VocabularySize = 256, Context = 64 });
using var updater = new Updater(model.Parameters(), Route.Default(new AdamW { WeightDecay = 0.1 }), new UpdaterOptions { Schedule = 1e-3 });
var batches = new Batches(text, batch: 12, context: 64, seed: 1);
for (int step = 1; step <= 300; step++)
{
    var report = updater.Step(() => { var (ids, targets) = batches.Get(step); return model.Loss(ids, targets); });
    if (step % 50 == 0) Console.WriteLine($"step {step}: loss {report.Loss:F3}, at most {report.PeakBytes >> 20} MiB");
}
