namespace Mayfly.Tests;

/// <summary>Names, order, sharing, modes and lifetime of modules.</summary>
public sealed class ModuleTests : IDisposable
{
    private readonly Device device = Device.CreateReference();

    public void Dispose() => device.Dispose();

    /// <summary>A user's module: y = silu(x) gain.</summary>
    private sealed class Gate : Module
    {
        private readonly Parameter gain;

        public Gate(ParameterSource source, int width) => gain = Add(source.New("gain", width, Role.Gain, Init.Ones));

        public Gate(Parameter shared) => gain = Add("gain", shared);

        public Parameter Gain => gain;

        protected override Tensor Forward(Tensor x) => x.Silu() * gain.Value;
    }

    /// <summary>A user's module of modules; the last gate shares the first one's gain.</summary>
    private sealed class Tower : Module
    {
        private readonly Gate[] gates;

        public Tower(ParameterSource source, int width)
        {
            gates = [Add("gates.0", new Gate(source, width)), Add("gates.1", new Gate(source, width))];
            Last = Add("last", new Gate(gates[0].Gain));
            Shift = Add(source.New("shift", width, Role.Bias, Init.Zeros));
        }

        public Gate Last { get; }

        public Parameter Shift { get; }

        protected override Tensor Forward(Tensor x)
        {
            foreach (var gate in gates) x = gate.Call(x);
            return Last.Call(x) + Shift.Value;
        }
    }

    private sealed class Model : Module
    {
        public Model(ParameterSource source) => Tower = Add("tower", new Tower(source, 3));

        public Tower Tower { get; }

        protected override Tensor Forward(Tensor x) => Tower.Call(x);
    }

    private sealed class Twice : Module
    {
        public Twice(ParameterSource source)
        {
            Add("gate", new Gate(source, 2));
            Add("gate", new Gate(source, 2));
        }

        protected override Tensor Forward(Tensor x) => x;
    }

    /// <summary>A user's module around another: twice its result.</summary>
    private sealed class Doubled : Module
    {
        private readonly Module inner;

        public Doubled(Module inner) => this.inner = Add("inner", inner);

        protected override Tensor Forward(Tensor x) => inner.Call(x).Scale(2);
    }

    /// <summary>A constant and an embedding that gives its table away.</summary>
    private sealed class Tied : Module
    {
        private readonly Module constant, head;

        public Tied(ParameterSource source)
        {
            Tokens = Add("tokens", new Embedding(source, 3, 2));
            constant = Add("constant", new Constant(source.Device));
            head = Add("head", new Linear(Tokens.Table));
        }

        public Embedding Tokens { get; }

        protected override Tensor Forward(Tensor x) => head.Call(constant.Call(Tokens.Call(x)));
    }

    private sealed class Constant : Module
    {
        private readonly Tensor value;

        public Constant(Device device) => value = AddConstant(Tensor.Full(2, 3, device));

        protected override Tensor Forward(Tensor x) => x + value;
    }

    private Model Make() => new(new ParameterSource(device));

    [Fact]
    public void Names_follow_the_path_in_the_order_of_registration_and_a_shared_parameter_appears_once()
    {
        using var model = Make();
        Assert.Equal(["tower.gates.0.gain", "tower.gates.1.gain", "tower.shift"], model.Parameters().Select(p => p.Name));
        Assert.Equal(["tower"], model.Children.Select(c => c.Path));
        Assert.Equal("tower.last", model.Tower.Last.Path);
        Assert.Equal(9, model.ParameterCount);
    }

    [Fact]
    public void A_parameter_is_found_by_its_full_name_and_by_its_name_within_the_module()
    {
        using var model = Make();
        Assert.Same(model.Tower.Shift, model["tower.shift"]);
        Assert.Same(model.Tower.Shift, model.Tower["shift"]);
        Assert.Same(model.Tower.Shift, model.Tower["tower.shift"]);
        var e = Assert.Throws<KeyNotFoundException>(() => model["shift"]);
        Assert.Contains("Model has no parameter 'shift'; it has tower.gates.0.gain", e.Message);
    }

    [Fact]
    public void Train_and_eval_reach_every_module()
    {
        using var model = Make();
        Assert.True(model.Tower.Last.IsTraining);
        model.Eval();
        Assert.False(model.Tower.Last.IsTraining);
        model.Train();
        Assert.True(model.Tower.Last.IsTraining);
    }

    [Fact]
    public void Freezing_goes_by_pattern_and_a_frozen_parameter_gets_no_gradient()
    {
        using var model = Make();
        Assert.Equal(2, model.Freeze("tower.gates.*"));
        Assert.Equal(["tower.shift"], Fired(model));
        Assert.Equal(1, model.Unfreeze("*.1.gain"));
        Assert.Equal(["tower.gates.1.gain", "tower.shift"], Fired(model).Order());
        Assert.Contains("Freeze: no parameter of Model fits 'head*'",
            Assert.Throws<ArgumentException>(() => model.Freeze("head*")).Message);
    }

    [Fact]
    public void A_call_leaves_only_its_result_and_dispose_frees_all_parameters()
    {
        var model = Make();
        long weights = device.Arena.Report.LiveBytes;
        Assert.Equal(9 * 8, weights);
        using (var x = Tensor.From<float>([1f, -2f, 3f], new Shape(1, 3), device))
        {
            var y = model.Call(x);
            Assert.Equal(weights + 2 * 3 * 8, device.Arena.Report.LiveBytes);
            y.Dispose();
        }

        Assert.Equal(weights, device.Arena.Report.LiveBytes);
        model.Dispose();
        Assert.Equal(0, device.Arena.Report.LiveBytes);
    }

    [Fact]
    public void A_name_is_taken_once()
    {
        var e = Assert.Throws<ArgumentException>(() => new Twice(new ParameterSource(device)));
        Assert.Contains("Twice: the name 'gate' is taken", e.Message);
    }

    [Fact]
    public void A_child_is_replaced_for_whoever_holds_it()
    {
        using var model = Make();
        using var x = Tensor.From<double>([1, -2, 3], (1, 3), device);
        double[] before = Result(model, x);
        Assert.Equal(2, model.Replace("tower.gates.?", child => new Doubled(child)));
        Assert.Equal(["tower.gates.0.inner.gain", "tower.gates.1.inner.gain", "tower.shift"], model.Parameters().Select(p => p.Name));
        Assert.NotEqual(before, Result(model, x));
        Assert.Equal(1, model.Replace("tower.gates.1", child => new Doubled(child)));
        Assert.Equal("tower.gates.1.inner.inner.gain", model.Parameters()[1].Name);
        model.Replace("tower.last", _ => new Gate(new ParameterSource(device), 3));
        Assert.Equal(
            ["tower.gates.0.inner.gain", "tower.gates.1.inner.inner.gain", "tower.last.gain", "tower.shift"],
            model.Parameters().Select(p => p.Name));
        double[] expected = Silu(Times(4, Silu(Times(2, Silu([1, -2, 3]))))), found = Result(model, x);
        for (int i = 0; i < 3; i++) Assert.Equal(expected[i], found[i], 1e-12);

        static double[] Times(double factor, double[] values) => Array.ConvertAll(values, v => factor * v);
        static double[] Silu(double[] values) => Array.ConvertAll(values, v => v / (1 + Math.Exp(-v)));
    }

    [Fact]
    public void What_is_replaced_and_not_kept_is_freed_unless_it_is_shared()
    {
        var source = new ParameterSource(device);
        var model = new Tied(source);
        Assert.Equal(8 * (6 + 2), device.Arena.Report.LiveBytes);
        model.Replace("constant", _ => new Gate(source, 2));
        Assert.Equal(8 * (6 + 2), device.Arena.Report.LiveBytes);
        model.Replace("tokens", _ => new Embedding(source, 3, 2));
        Assert.Equal(["tokens.table", "constant.gain", "head.weight"], model.Parameters().Select(p => p.Name));
        model.Replace("head", _ => new Linear(source, 2, 1, bias: false));
        Assert.Equal(8 * (6 + 2 + 2), device.Arena.Report.LiveBytes);
        model.Dispose();
        Assert.Equal(0, device.Arena.Report.LiveBytes);
    }

    [Fact]
    public void A_module_that_stands_in_two_places_is_replaced_in_both()
    {
        var gate = new Gate(new ParameterSource(device), 3);
        using var model = new Pair(gate, gate);
        using var x = Tensor.From<double>([1, -2, 3], (1, 3), device);
        Assert.Equal(1, model.Replace("b", child => new Doubled(child)));
        Assert.Equal(["a.inner.gain"], model.Parameters().Select(p => p.Name));
        Assert.Same(model.Children.First(), model.Children.Last());
        Assert.Equal(4 / (1 + Math.Exp(-1)), Result(model, x)[0], 1e-12);
    }

    [Fact]
    public void The_new_child_is_in_the_mode_of_the_old_one()
    {
        using var model = Make();
        model.Eval();
        model.Replace("tower.last", child => new Doubled(child));
        Assert.All(model.Children.Single().Children, child => Assert.False(child.IsTraining));
        model.Train();
        Assert.All(model.Children.Single().Children, child => Assert.True(child.IsTraining));
    }

    [Fact]
    public void An_impossible_replacement_is_said_and_changes_nothing()
    {
        using var model = Make();
        Assert.Contains("Replace: no module of Model fits 'head'; it has tower, tower.gates.0",
            Assert.Throws<ArgumentException>(() => model.Replace("head", child => child)).Message);
        Assert.Contains("Replace: tower is a part",
            Assert.Throws<InvalidOperationException>(() => model.Tower.Replace("last", child => child)).Message);
        Assert.Throws<NotSupportedException>(() => model.Replace(
            "tower.gates.?", child => child.Path.EndsWith('1') ? throw new NotSupportedException() : new Doubled(child)));
        Assert.Equal(["tower.gates.0.gain", "tower.gates.1.gain", "tower.shift"], model.Parameters().Select(p => p.Name));

        using var gpt = new Gpt(new GptConfig { VocabularySize = 5, Context = 3, Layers = 1, Heads = 1, Width = 4 }, device);
        gpt.Replace("positions", child => new Doubled(child));
        using var ids = Tensor.From<int>([1, 2], (1, 2), device);
        Assert.Contains("positions was replaced by Doubled", Assert.Throws<InvalidOperationException>(() => gpt.Logits(ids)).Message);
    }

    [Fact]
    public void The_summary_lists_name_shape_role_and_count()
    {
        using var model = Make();
        model.Freeze("*.shift");
        Assert.Equal(
            """
            Model
            parameter           shape  role  count
            tower.gates.0.gain  (3)    gain      3
            tower.gates.1.gain  (3)    gain      3
            tower.shift         (3)    bias      3  frozen
            total                                9
            """.ReplaceLineEndings("\n"),
            model.ToString());
    }

    private sealed class Pair : Module
    {
        private readonly Module a, b;

        public Pair(Module a, Module b) => (this.a, this.b) = (Add("a", a), Add("b", b));

        protected override Tensor Forward(Tensor x) => a.Call(x) + b.Call(x);
    }

    private static double[] Result(Module model, Tensor x)
    {
        using var y = model.Call(x);
        return y.ToArray<double>();
    }

    private string[] Fired(Module model)
    {
        var names = new List<string>();
        using var tape = Tape.Record(device);
        var loss = model.Call(Tensor.Ones(new Shape(2, 3), device)).Sum();
        tape.Backward(loss, (Parameter p, ref Gradient _) => names.Add(p.Name));
        return [.. names];
    }
}
