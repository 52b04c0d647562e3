namespace Mayfly;

public sealed partial class Updater
{
    /// <summary>A parameter in training: its rule, its state, and the gradient of the step at hand.</summary>
    internal sealed class Slot
    {
        private readonly MasterWeight? master;
        private readonly WaitingGradient waiting;
        private readonly DType stateType;
        private bool initialised;
        private double? read;

        public Slot(Assignment assignment, Device device, UpdaterOptions options)
        {
            Assignment = assignment;
            State = new RuleState(device, options.StateType);
            waiting = new WaitingGradient(Parameter, options.GradientType);
            stateType = options.StateType;
            if (options.MasterWeights && Parameter.Value.Type.IsStored()) master = new MasterWeight(Parameter, State);
        }

        public Assignment Assignment { get; set; }

        public Parameter Parameter => Assignment.Parameter;

        public UpdateMode Mode => Assignment.Mode;

        public RuleState State { get; }

        /// <summary>The gradient kept between micro-batches or until the end of the step; null once it has been used.</summary>
        public Tensor? Gradient { get; private set; }

        /// <summary>The kept gradient where the sweep may add to it.</summary>
        public Tensor? Accumulator => waiting.IsStored ? null : Gradient;

        /// <summary>The squared norm of this step's complete gradient; null until it is measured.</summary>
        public Number? Squares { get; private set; }

        /// <summary>The same where the host has read it.</summary>
        public double? Known => Squares is { IsKnown: true } squares ? squares.Value : read;

        /// <summary>True once the pass's last sweep has gone past the parameter and its gradient is complete.</summary>
        public bool IsWhole { get; private set; }

        /// <summary>True where a gradient waits to be measured.</summary>
        public bool IsUnmeasured => Gradient is not null && Squares is null;

        /// <summary>The bytes of the gradient while it waits.</summary>
        public long GradientBytes => waiting.Bytes;

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
                if (!waiting.IsStored) (Gradient, gradient) = (value, default);
                else Gradient = waiting.Take(ref gradient, Gradient, isUsedNow && isLast, draws);
            }

            IsWhole = isLast && Gradient is not null;
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

        /// <summary>Steps the parameter; the gradient is used up.</summary>
        public void Apply(in StepInfo step)
        {
            master?.Begin();
            var draws = new RoundingDraws(Parameter, State, step);
            try
            {
                Assignment.Rule.Apply(Parameter, Gradient!, State, step);
            }
            finally
            {
                draws.End();
                master?.End();
            }

            DropGradient();
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
            Gradient = null;
        }
    }
}
