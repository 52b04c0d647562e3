namespace Mayfly;

/// <summary>How <see cref="UpdaterOptions.MaxNorm"/> limits gradients. Every factor is min(1, maxNorm / (norm + 1e-6)).</summary>
public enum ClipMode
{
    /// <summary>
    /// By the norm of all gradients together, exactly, after the sweep. Every parameter is routed as <see cref="UpdateMode.Deferred"/>, so
    /// all gradients live at one time.
    /// </summary>
    Deferred,

    /// <summary>
    /// By the norm of all gradients together, exactly and to the same bits as <see cref="Deferred"/>, while parameters are stepped eagerly:
    /// a first sweep measures each gradient and frees it at once, then forward and backward run again and step. About twice the time, no
    /// memory. With gradient accumulation all gradients are kept anyway, so one pass is enough. LOMO's way (Lv et al. 2023).
    /// </summary>
    TwoPass,

    /// <summary>
    /// By the norm that all gradients together had in the step before; one pass, no memory. The first step is not clipped, and a sudden
    /// large gradient is not either: it shrinks the step after it.
    /// </summary>
    PreviousNorm,

    /// <summary>Each gradient by its own norm, exactly; one pass, no memory. Changes the direction of the step as a whole.</summary>
    PerTensor,
}
