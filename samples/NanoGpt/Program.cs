// A whole GPT in one file: from a text to a model that continues it, of tensor operations alone.
// Run it with: dotnet run -c Release --project samples/NanoGpt -- [FILE] [STEPS]
using Mayfly;

// ---- 1. Data: each letter becomes its number in the alphabet of the text.
string text = File.ReadAllText(args.Length > 0 ? args[0] : "README.md");
int steps = args.Length > 1 ? int.Parse(args[1], null) : 400;
char[] alphabet = [.. text.Distinct().Order()];
int[] letters = [.. text.Select(c => Array.BinarySearch(alphabet, c))];

// ---- 2. The shape: V letters, T of them at a time, C numbers for each, in H heads of D.
const int layers = 4, heads = 4, width = 128, context = 64, batch = 12;
const int headSize = width / heads;
int vocabulary = alphabet.Length;

// ---- 3. Weights. Random numbers depend on a key alone, so every run draws the same ones.
var weights = new Dictionary<string, Parameter>();
Draw("tokens", (vocabulary, width), Role.Embedding);
Draw("positions", (context, width), Role.Embedding);
for (int i = 0; i < layers; i++)
{
    Draw($"{i}.norm1", width, Role.Gain);
    Draw($"{i}.qkv", (3 * width, width), Role.Hidden);
    Draw($"{i}.projection", (width, width), Role.Hidden, 0.02 / Math.Sqrt(2 * layers));
    Draw($"{i}.norm2", width, Role.Gain);
    Draw($"{i}.up", (4 * width, width), Role.Hidden);
    Draw($"{i}.down", (width, 4 * width), Role.Hidden, 0.02 / Math.Sqrt(2 * layers));
}

Draw("norm", width, Role.Gain);

// 1 where a letter would look at a later one.
using var future = Tensor.Ones((context, context)).UpperTriangle(1); // (T, T)

// ---- 4. Training: each weight is stepped inside the backward sweep, the moment its gradient is complete.
Console.WriteLine($"{letters.Length} letters of {vocabulary} kinds, {weights.Values.Sum(w => w.Shape.Count)} weights");
var rule = new AdamW { WeightDecay = 0.1, Beta2 = 0.99 };
var options = new UpdaterOptions { Schedule = new WarmUpCosine(3e-3, 3e-4, WarmUp: 20, Total: steps) };
using var updater = new Updater([.. weights.Values], Route.Default(rule), options);
var batches = new Batches(letters, batch, context, seed: 1);
for (int step = 1; step <= steps; step++)
{
    var (ids, targets) = batches.Get(step); // (B, T), (B, T)
    var report = updater.Step(() => Scores(ids).CrossEntropy(targets));
    ids.Dispose();
    targets.Dispose();
    if (step == 1 || step % 100 == 0 || step == steps) Console.WriteLine($"step {step,5}  loss {report.Loss:F3}");
}

// ---- 5. Writing: the model's next letter is appended to what it reads.
var random = new Random(1);
var written = new List<int> { letters[0] };
for (int i = 0; i < 300; i++)
{
    using var scope = Device.Cpu.Scope("writing");
    int[] read = [.. written.TakeLast(context)];
    var scores = Scores(Tensor.From<int>(read, (1, read.Length)))[0, ^1]; // (V)
    written.Add(Choose((scores / 0.8).Softmax().ToArray(), random.NextDouble()));
}

Console.WriteLine(string.Concat(written.Select(i => alphabet[i])));
foreach (var weight in weights.Values) weight.Dispose();
return;

// ids (B, T) -> (B, T, V): how likely each letter comes next, at every place.
Tensor Scores(Tensor ids)
{
    int time = (int)ids.Shape[1];
    var x = W("tokens").Embedding(ids) + W("positions")[..time]; // (B, T, C) + (T, C)
    for (int i = 0; i < layers; i++)
    {
        x += Attention(i, x.LayerNorm(W($"{i}.norm1")), time);
        x += x.LayerNorm(W($"{i}.norm2")).Linear(W($"{i}.up")).Gelu().Linear(W($"{i}.down")); // (B, T, C)
    }

    return x.LayerNorm(W("norm")).Linear(W("tokens")); // the head is the table of letters again
}

// Each place gathers values from the places up to its own, weighted by how well its query fits their keys.
Tensor Attention(int i, Tensor x, int time)
{
    var qkv = x.Linear(W($"{i}.qkv")).Split(-1, width, width, width); // three of (B, T, C)
    Tensor q = Heads(qkv[0], time), k = Heads(qkv[1], time), v = Heads(qkv[2], time); // (B, H, T, D)
    var fit = q.MatMul(k.Transpose()) / Math.Sqrt(headSize); // (B, H, T, T)
    var shares = fit.MaskedFill(future[..time, ..time], double.NegativeInfinity).Softmax();
    var mixed = shares.MatMul(v).Transpose(1, 2).Reshape((-1, time, width)); // (B, T, C)
    return mixed.Linear(W($"{i}.projection"));
}

// (B, T, C) -> (B, H, T, D)
Tensor Heads(Tensor x, int time) => x.Reshape((-1, time, heads, headSize)).Transpose(1, 2);

Tensor W(string name) => weights[name].Value;

// Gains begin at 1, all else normally distributed around 0.
void Draw(string name, Shape shape, Role role, double deviation = 0.02)
{
    bool isGain = role == Role.Gain;
    var key = new RandomKey(Seed: 1, Stream: (ulong)weights.Count);
    using var start = Tensor.Normal(shape, isGain ? 1 : 0, isGain ? 0 : deviation, key);
    weights[name] = new Parameter(name, start, role);
}

// The letter at which the probabilities, added up, pass a number from 0 to 1.
int Choose(float[] probabilities, double number)
{
    int letter = 0;
    while (letter < probabilities.Length - 1 && (number -= probabilities[letter]) > 0) letter++;
    return letter;
}
