#:project ../src/Models/Models.csproj
using Mayfly;

// Trains low-rank adapters of a model on a text, merges them into it and writes it for llama.cpp.
if (args is not [var source, var text, var target, .. var more])
{
    Console.Error.WriteLine("usage: dotnet run FineTune.cs MODEL TEXT OUT.gguf [STEPS]");
    return 2;
}

int steps = more is [var number] ? int.Parse(number) : 300;
using var pretrained = PretrainedModel.Open(source);
using var model = pretrained.Create();
var tokenizer = pretrained.Tokenizer ?? throw new InputException("The model comes without a tokenizer.");
Lora.Apply(model, new LoraOptions { Rank = 8, Alpha = 16, Targets = ["q", "v"] });
model.Train();

int context = Math.Min(128, model.Context);
var batches = new TokenStream(tokenizer.Encode(File.ReadAllText(text)), text).TrainBatches(batch: 4, context, seed: 1);
var schedule = new WarmUpCosine(5e-3, 5e-4, WarmUp: steps / 10, Total: steps);
using var updater = new Updater(model.Parameters(), Route.For(new AdamW()), new UpdaterOptions { Schedule = schedule });
for (int step = 1; step <= steps; step++)
{
    var report = updater.Step(() => { var (ids, targets) = batches.Get(step - 1); return model.Loss(ids, targets); });
    if (step % 50 == 0) Console.WriteLine($"step {step}: loss {report.Loss:F3}, at most {report.PeakBytes >> 10} KiB");
}

Lora.Merge(model);
model.Eval();
new ModelExport(model, tokenizer).Save("gguf", target);
int begin = tokenizer.BeginOfText ?? tokenizer.EndOfText ?? 0;
Console.WriteLine(tokenizer.Decode([.. model.Generate([begin], 60, new Sampling { Temperature = 0.7, Seed = 1 })]));
return 0;
