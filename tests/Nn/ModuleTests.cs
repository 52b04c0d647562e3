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
        Assert.Contains("Freeze: no parameter of Model fits 'head*'", Assert.Throws<ArgumentException>(() => model.Freeze("head*")).Message);
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

    private string[] Fired(Module model)
    {
        var names = new List<string>();
        using var tape = Tape.Record(device);
        var loss = model.Call(Tensor.Ones(new Shape(2, 3), device)).Sum();
        tape.Backward(loss, (Parameter p, ref Gradient _) => names.Add(p.Name));
        return [.. names];
    }
}
