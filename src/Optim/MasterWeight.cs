namespace Mayfly;

/// <summary>
/// The weight that a rule steps in the place of a parameter's of a type that is storage only. It starts from the parameter at the first
/// step, so that weights may be loaded before.
/// </summary>
internal sealed class MasterWeight(Parameter parameter, RuleState state)
{
    private const string Name = "master", Started = "masterStarted";

    /// <summary>Adds it to a state.</summary>
    public static void Init(Parameter parameter, RuleState state)
    {
        state.AddTensor(Name, parameter.Shape, state.Device.Float);
        state.AddNumber(Started, 0);
    }

    /// <summary>Lets the rule see it.</summary>
    public void Begin()
    {
        var master = state.Tensor(Name);
        ref double started = ref state.Number(Started);
        if (started == 0) state.Device.Backend.Copy(parameter.Value.Read(Name), master.Write(Name));
        started = 1;
        parameter.StandIn = master;
    }

    /// <summary>Rounds it to the parameter.</summary>
    public void End()
    {
        parameter.StandIn = null;
        state.Device.Backend.Copy(state.Tensor(Name).Read(Name), parameter.Value.Write(Name));
    }
}
