// The idea of the engine in one file that uses nothing of it: a formula, a tape, a sweep that fits a screen, short-lived gradients.
// Run it with: dotnet run -c Release --project samples/TinyEngine

// ---- 1. One formula, run on numbers and on dual numbers.
var y = new Tanh().F(new Dual(0.5, 1));
Console.WriteLine($"tanh(0.5) = {y.Value:F4}, its derivative is {y.Slope:F4}");

// ---- 2. A network of three layers; the middle weight is used twice.
var random = new Random(1);
const int points = 32, hidden = 16;
var x = new Values(points, 1, "x");
var wanted = new Values(points, 1, "y");
for (int i = 0; i < points; i++)
{
    x.Data[i] = i / 16.0 - 1;
    wanted.Data[i] = Math.Sin(3 * x.Data[i]);
}

var first = Weight("first", hidden, 1, 2);
var middle = Weight("middle", hidden, hidden, 0.6);
var last = Weight("last", 1, hidden, 0.4);

// ---- 3. The same step twice: once all gradients wait for the end of the sweep, once each is used when it is complete.
foreach (bool isEager in (bool[])[false, true])
{
    var tape = new Tape();
    var life = new Dictionary<Values, string> { [first] = "", [middle] = "", [last] = "" };
    var waiting = new Dictionary<Values, double[]>();
    tape.Backward(Loss(tape), (weight, gradient) =>
    {
        if (isEager) Descend(weight, gradient);
        else waiting[weight] = gradient;
    }, passed: () => Watch(life, waiting));
    foreach (var (weight, gradient) in waiting) Descend(weight, gradient);
    Console.WriteLine($"\n{(isEager ? "eager" : "deferred")}, each column a record of the sweep:");
    foreach (var (weight, moments) in life) Console.WriteLine($"  {weight.Name,-6} {moments}");
}

// ---- 4. Training with it.
Console.WriteLine();
for (int step = 1; step <= 3000; step++)
{
    var tape = new Tape();
    var loss = Loss(tape);
    tape.Backward(loss, Descend);
    if (step == 1 || step % 1000 == 0) Console.WriteLine($"step {step,4}  loss {loss.Data[0]:F5}");
}

return;

Values Loss(Tape tape)
{
    var h = tape.Map(tape.Linear(x, first), new Tanh()); // (points, hidden)
    for (int i = 0; i < 2; i++) h = tape.Map(tape.Linear(h, middle), new Tanh());
    return tape.Mse(tape.Linear(h, last), wanted);
}

Values Weight(string name, int rows, int columns, double size)
{
    var w = new Values(rows, columns, name) { IsWeight = true };
    for (int i = 0; i < w.Data.Length; i++) w.Data[i] = size * (2 * random.NextDouble() - 1);
    return w;
}

static void Descend(Values weight, double[] gradient)
{
    for (int i = 0; i < gradient.Length; i++) weight.Data[i] -= 0.1 * gradient[i];
}

static void Watch(Dictionary<Values, string> life, Dictionary<Values, double[]> waiting)
{
    foreach (var weight in life.Keys) life[weight] += weight.Gradient is not null || waiting.ContainsKey(weight) ? '#' : '.';
}

/// <summary>What a formula is written for.</summary>
internal interface ILane<V> where V : ILane<V>
{
    static abstract V operator -(V a, V b);
    static abstract V operator /(V a, V b);
    static abstract V Of(double number);
    static abstract V Exp(V x);
}

internal readonly record struct Real(double Value) : ILane<Real>
{
    public static Real operator -(Real a, Real b) => new(a.Value - b.Value);
    public static Real operator /(Real a, Real b) => new(a.Value / b.Value);
    public static Real Of(double number) => new(number);
    public static Real Exp(Real x) => new(Math.Exp(x.Value));
}

/// <summary>A number and how fast it changes: sums, quotients and powers of it carry the derivative along.</summary>
internal readonly record struct Dual(double Value, double Slope) : ILane<Dual>
{
    public static Dual operator -(Dual a, Dual b) => new(a.Value - b.Value, a.Slope - b.Slope);
    public static Dual operator /(Dual a, Dual b) => new(a.Value / b.Value, (a.Slope - a.Value / b.Value * b.Slope) / b.Value);
    public static Dual Of(double number) => new(number, 0);
    public static Dual Exp(Dual x) => new(Math.Exp(x.Value), Math.Exp(x.Value) * x.Slope);
}

internal readonly struct Tanh
{
    public V F<V>(V x) where V : ILane<V> => V.Of(1) - V.Of(2) / (V.Exp(x - (V.Of(0) - x)) - V.Of(-1)); // 1 - 2 / (exp(2x) + 1)
}

/// <summary>A matrix, and its gradient while it has one.</summary>
internal sealed class Values(int rows, int columns, string name)
{
    public readonly double[] Data = new double[rows * columns];
    public double[]? Gradient;
    public bool IsWeight;
    public int Rows => rows;
    public int Columns => columns;
    public string Name => name;

    /// <summary>The gradient to add to: made by the first who does.</summary>
    public double[] Sum() => Gradient ??= new double[Data.Length];
}

/// <summary>What one op read and made, and how gradients go back through it.</summary>
internal sealed record Record(Values[] Inputs, Values Result, Action<double[]> Backward);

internal sealed class Tape
{
    private readonly List<Record> records = [];

    /// <summary>From the last record to the first: hand gradients back, free them, and fire weights at their first use.</summary>
    public void Backward(Values loss, Action<Values, double[]> ready, Action? passed = null)
    {
        loss.Sum()[0] = 1;
        var seen = new HashSet<Values>();
        var firstUses = records.ConvertAll(record => record.Inputs.Where(x => x.IsWeight && seen.Add(x)).ToArray());
        for (int i = records.Count - 1; i >= 0; i--)
        {
            records[i].Backward(records[i].Result.Gradient!); // adds to the gradients of what the op read
            records[i].Result.Gradient = null;                // no record further down made it: nobody reads it again
            passed?.Invoke();
            foreach (var weight in firstUses[i])              // no record further down reads the weight: its gradient is complete
            {
                ready(weight, weight.Gradient!);              // and nobody minds if the weight changes now
                weight.Gradient = null;
            }
        }
    }

    /// <summary>A formula on each element.</summary>
    public Values Map(Values x, Tanh formula)
    {
        var y = new Values(x.Rows, x.Columns, "tanh");
        for (int i = 0; i < x.Data.Length; i++) y.Data[i] = formula.F(new Real(x.Data[i])).Value;
        return Push(y, [x], dy =>
        {
            double[] dx = x.Sum();
            for (int i = 0; i < dx.Length; i++) dx[i] += dy[i] * formula.F(new Dual(x.Data[i], 1)).Slope;
        });
    }

    /// <summary>x w^T: x (N, I), w (O, I) -> (N, O).</summary>
    public Values Linear(Values x, Values w)
    {
        var y = new Values(x.Rows, w.Rows, "linear");
        Each((n, o, i) => y.Data[n * w.Rows + o] += x.Data[n * w.Columns + i] * w.Data[o * w.Columns + i]);
        return Push(y, [x, w], dy =>
        {
            double[] dx = x.Sum(), dw = w.Sum();
            Each((n, o, i) => dx[n * w.Columns + i] += dy[n * w.Rows + o] * w.Data[o * w.Columns + i]);
            Each((n, o, i) => dw[o * w.Columns + i] += dy[n * w.Rows + o] * x.Data[n * w.Columns + i]);
        });

        void Each(Action<int, int, int> product)
        {
            for (int n = 0; n < x.Rows; n++)
                for (int o = 0; o < w.Rows; o++)
                    for (int i = 0; i < w.Columns; i++) product(n, o, i);
        }
    }

    /// <summary>The mean squared error: (N, M), (N, M) -> (1, 1).</summary>
    public Values Mse(Values x, Values wanted)
    {
        var y = new Values(1, 1, "mse");
        for (int i = 0; i < x.Data.Length; i++) y.Data[0] += Math.Pow(x.Data[i] - wanted.Data[i], 2) / x.Data.Length;
        return Push(y, [x], dy =>
        {
            double[] dx = x.Sum();
            for (int i = 0; i < dx.Length; i++) dx[i] += dy[0] * 2 * (x.Data[i] - wanted.Data[i]) / dx.Length;
        });
    }

    private Values Push(Values result, Values[] inputs, Action<double[]> backward)
    {
        records.Add(new Record(inputs, result, backward));
        return result;
    }
}
