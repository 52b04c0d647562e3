namespace Mayfly;

public sealed partial class Updater
{
    /// <summary>A parameter in training: its rule, its state, and the gradient of the step at hand.</summary>
    internal sealed class Slot
    {
        private readonly MasterWeight? master;
        private readonly WaitingGradient waiting;
        private readonly DType stateType;
        private readonly bool mayProject, sumsApart;
        private bool initialised, isProjected;
        private double? read;

        public Slot(Assignment assignment, Device device, UpdaterOptions options)
        {
            Assignment = assignment;
            State = new RuleState(device, options.StateType);
            waiting = new WaitingGradient(Parameter, options.GradientType);
            (stateType, sumsApart) = (options.StateType, options.SumsApart);
            mayProject = options.Accumulation == AccumulationMode.Projected;
            if (options.MasterWeights && Parameter.Value.Type.IsStored()) master = new MasterWeight(Parameter, State);
        }

        public Assignment Assignment { get; set; }

        public Parameter Parameter => Assignment.Parameter;

        public UpdateMode Mode => Assignment.Mode;

        public RuleState State { get; }

        /// <summary>The gradient kept between micro-batches or until the end of the step; null once it has been used.</summary>
        public Tensor? Gradient { get; private set; }

        /// <summary>The kept gradient where the sweep may add to it.</summary>
        public Tensor? Accumulator => waiting.IsStored || sumsApart || isProjected ? null : Gradient;

        /// <summary>The rule, where it may add up what it reads of the gradients of micro-batches.</summary>
        public IProjectingRule? Projecting => mayProject ? Assignment.Rule as IProjectingRule : null;

        /// <summary>The squared norm of this step's complete gradient; null until it is measured.</summary>
        public Number? Squares { get; private set; }

        /// <summary>The same where the host has read it.</summary>
        public double? Known => Squares is { IsKnown: true } squares ? squares.Value : read;

        /// <summary>True once the pass's last sweep has gone past the parameter and its gradient is complete.</summary>
        public bool IsWhole { get; private set; }

        /// <summary>True where a gradient waits to be measured.</summary>
        public bool IsUnmeasured => Gradient is not null && Squares is null;

        /// <summary>The bytes of the gradient while it waits.</summary>
        public long GradientBytes => Projecting is { } rule
            ? State.Device.Float.Bytes(rule.ProjectedShape(Parameter).Count)
            : waiting.Bytes;

        public void Init()
        {
            if (initialised) return;
            initialised = true;
            Init(Assignment.Rule, State);
        }

        /// <summary>The state with which another rule would start.</summary>
        public RuleState StateOf(Rule rule)
        {
            var state = new RuleState(State.Device, stateType);
            Init(rule, state);
            return state;
        }

        /// <summary>What the gradient has been multiplied by to limit a norm; null before it is known.</summary>
        public Number? ClipFactor { get; set; }

        public void StartStep() => (Squares, read, IsWhole, ClipFactor) = (null, null, false, null);

        /// <summary>Keeps a gradient the sweep made; one that was added to the kept one is there already.</summary>
        /// <param name="gradient">The gradient.</param>
        /// <param name="isLast">True in the pass's last sweep.</param>
        /// <param name="isUsedNow">True where the gradient, if whole, is used at once.</param>
        /// <param name="draws">The key by which a sum of stored gradients is rounded.</param>
        public void Take(ref Gradient gradient, bool isLast, bool isUsedNow, RandomKey draws)
        {
            if (gradient.Value is { } value && value != Gradient)
            {
                if (waiting.IsStored) Gradient = waiting.Take(ref gradient, Gradient, isUsedNow && isLast, draws);
                else if (Gradient is not null) State.Device.Backend.Copy(value.Read("Gradient"), Gradient.Write("Gradient"), add: true);
                else (Gradient, gradient) = (value, default);
            }

            IsWhole = isLast && Gradient is not null;
        }

        /// <summary>
        /// Adds what the rule reads of a micro-batch's gradient to what it read of those before; the sweep frees the gradient.
        /// </summary>
        /// <param name="rule">The rule.</param>
        /// <param name="gradient">The gradient.</param>
        /// <param name="isLast">True in the pass's last sweep.</param>
        public void TakeProjected(IProjectingRule rule, in Gradient gradient, bool isLast)
        {
            if (gradient.Value is { } value)
            {
                using var held = State.Device.Pager?.Hold(alone: true) ?? default;
                bool isFirst = Gradient is null;
                Gradient ??= Tensor.Unowned(value.Device, rule.ProjectedShape(Parameter), value.Type, Use.Gradient, Parameter.Name);
                isProjected = true;
                rule.Project(Parameter, value, Gradient, State, isFirst);
            }

            IsWhole = isLast && isProjected;
        }

        /// <summary>Makes a gradient of zeros where none came and the rule steps without one.</summary>
        public void TakeZero()
        {
            if (Gradient is not null || Squares is not null || !Parameter.Trainable || !Assignment.Rule.StepsWithoutGradient) return;
            Gradient = Tensor.Unowned(State.Device, Parameter.Shape, State.Device.Float, Use.Gradient, Parameter.Name);
            Gradient.Fill(0);
        }

        /// <summary>Notes the squared norm.</summary>
        public void Note(Number squares) => (Squares, read) = (squares, null);

        /// <summary>Notes what the host has read of it.</summary>
        public void NoteRead(double squares) => read = squares;

        /// <summary>Makes floats of a gradient that has waited in another type or scale.</summary>
        public void Widen(double scale)
        {
            Gradient = waiting.Widen(Gradient!);
            if (scale != 1) Gradient.MapInPlace(new Affine(1 / scale, -0.0));
        }

        /// <summary>The gradient as ranks add it up: in floats, of what it is by waiting.</summary>
        public Tensor Summand() => Gradient = waiting.Widen(Gradient!);

        /// <summary>Makes of the sum over all ranks what a gradient becomes by waiting.</summary>
        public void RoundSum(bool isUsedNow)
        {
            if (!waiting.IsStored) return;
            var sum = new Gradient { Value = Gradient };
            Gradient = waiting.Take(ref sum, kept: null, isUsedNow, draws: default);
            sum.Value?.Dispose();
        }

        /// <summary>Steps the parameter; the gradient is used up.</summary>
        public void Apply(in StepInfo step)
        {
            master?.Begin();
            var draws = new RoundingDraws(Parameter, State, step);
            try
            {
                if (isProjected) Projecting!.ApplyProjected(Parameter, Gradient!, State, step);
                else Assignment.Rule.Apply(Parameter, Gradient!, State, step);
            }
            finally
            {
                draws.End();
                master?.End();
            }

            DropGradient();
        }

        /// <summary>Changes the weight, or the master weight and then the weight.</summary>
        public void Change(Action<Tensor> change)
        {
            Init();
            master?.Begin();
            try
            {
                change(Parameter.Value);
            }
            finally
            {
                master?.End();
            }
        }

        private void Init(Rule rule, RuleState state)
        {
            state.Device.Pager?.Beside(Parameter.Value);
            rule.Init(Parameter, state);
            if (master is not null) MasterWeight.Init(Parameter, state);
            state.Device.Pager?.Beside(null);
        }

        public void DropGradient()
        {
            Gradient?.Dispose();
            (Gradient, isProjected) = (null, false);
        }
    }
}
