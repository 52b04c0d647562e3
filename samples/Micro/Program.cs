// Mayfly in one file: a tiny network learns sin(3x), and you see the moment each gradient is born, used and freed.
// Run it with: dotnet run -c Release --project samples/Micro
using Mayfly;

// A device owns memory and kernels. Tensors live on it.
var device = Device.Cpu;

// ---- 1. Data: 64 points of y = sin(3x) on [-1, 1].
const int points = 64, hidden = 16;
var inputs = new float[points];
var outputs = new float[points];
for (int i = 0; i < points; i++)
{
    inputs[i] = 2f * i / (points - 1) - 1f;
    outputs[i] = MathF.Sin(3f * inputs[i]);
}

using var x = Tensor.From<float>(inputs, (points, 1), device); // (points, 1)
using var y = Tensor.From<float>(outputs, (points, 1), device); // (points, 1)

// ---- 2. Parameters: two layers. Random numbers depend on a key alone, so every run draws the same ones.
using var w1 = Weight("w1", (hidden, 1), 1.5, stream: 1); // (hidden, 1)
using var b1 = Weight("b1", hidden, 0.5, stream: 2); // (hidden)
using var w2 = Weight("w2", (1, hidden), 0.3, stream: 3); // (1, hidden)
using var b2 = Weight("b2", 1, 0, stream: 4); // (1)

// ---- 3. Training: record, sweep backwards, and step each weight the moment its gradient is complete.
Console.WriteLine("A gradient lives for a moment. The first step, backwards through the network:");
for (int step = 1; step <= 2000; step++)
{
    double loss = TrainOnce(learningRate: 0.1f, watch: step == 1);
    if (step == 1 || step % 400 == 0) Console.WriteLine($"step {step,4}  loss {loss:F5}");
}

// ---- 4. The result.
using (device.Scope("prediction"))
{
    var prediction = Predict(x).ToArray();
    Console.WriteLine("\n     x   sin(3x)  learned");
    for (int i = 0; i < points; i += 9) Console.WriteLine($"{inputs[i],6:F2}  {outputs[i],8:F3} {prediction[i],8:F3}");
}

return;

// The network: y = w2 tanh(w1 x + b1) + b2. Each line is an op; a recording tape notes what it reads.
Tensor Predict(Tensor input)
{
    var activated = input.Linear(w1.Value, b1.Value).Tanh(); // (points, hidden)
    return activated.Linear(w2.Value, b2.Value); // (points, 1)
}

double TrainOnce(float learningRate, bool watch)
{
    // The tape records the forward pass and owns every tensor it makes; when it is disposed they are gone.
    using var tape = Tape.Record(device);
    var loss = Predict(x).Mse(y); // ()

    // The sweep calls this hook right after it has passed the first op that read the parameter. Nothing reads the weight after that,
    // so it may change in place; and when the hook returns, the gradient's memory is free for the next one.
    tape.Backward(loss, (Parameter p, ref Gradient gradient) =>
    {
        if (watch) Console.WriteLine($"  {p.Name}: gradient {p.Shape} is complete; {GradientBytes()} bytes of gradients are alive");
        p.Value.Step(new Descent(learningRate), gradient.Value!);
        if (watch) Console.WriteLine($"  {p.Name}: stepped in place, its gradient is freed now");
    });
    if (watch) Console.WriteLine($"  after the sweep {GradientBytes()} bytes of gradients are alive");
    return loss.Item();
}

long GradientBytes() => device.Arena.Report.Live(Use.Gradient);

Parameter Weight(string name, Shape shape, double deviation, ulong stream)
{
    using var initial = Tensor.Normal(shape, 0, deviation, new RandomKey(Seed: 1, stream), device);
    return new Parameter(name, initial, name[0] == 'w' ? Role.Hidden : Role.Bias);
}

// Gradient descent as a fused update formula: written once, it runs as SIMD on the CPU and as a GPU thread.
internal readonly struct Descent(float learningRate) : IUpdate<Descent>
{
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V> => p -= V.Of(learningRate) * g;
}
