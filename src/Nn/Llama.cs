namespace Mayfly;

/// <summary>
/// A language model like Llama (Touvron et al. 2023): token embeddings, blocks of RMS norms, rotary attention with grouped key and value
/// heads and SwiGLU, a final norm and a head; no biases.
/// </summary>
/// <param name="config">Its shape.</param>
/// <param name="device">Where it lives; null means <see cref="Device.Cpu"/>.</param>
/// <param name="seed">The seed of the initial values.</param>
/// <exception cref="ArgumentException">The configuration is impossible; see <see cref="ModelConfig.Check"/>.</exception>
public sealed class Llama(LlamaConfig config, Device? device = null, ulong seed = 1) : Decoder(config, device, seed)
{
    /// <summary>The shape.</summary>
    public override LlamaConfig Config { get; } = config;
}
