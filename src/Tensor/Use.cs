namespace Mayfly;

/// <summary>What a piece of memory is for; the arena counts each use by itself.</summary>
public enum Use
{
    /// <summary>Parameter values.</summary>
    Weight,

    /// <summary>Gradients of parameters.</summary>
    Gradient,

    /// <summary>Optimizer state.</summary>
    State,

    /// <summary>Results of ops, tensors made by the user, and their gradients.</summary>
    Activation,

    /// <summary>Work space inside one op.</summary>
    Scratch,

    /// <summary>Buffers of weights and states that live in a file, see <see cref="Residency"/>.</summary>
    Stream,
}
