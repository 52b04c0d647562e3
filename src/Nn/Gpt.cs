namespace Mayfly;

/// <summary>
/// A language model like GPT-2 (Radford et al. 2019): token and learned position embeddings, blocks of layer norms, attention and a GELU, a
/// final norm and a head.
/// </summary>
/// <param name="config">Its shape.</param>
/// <param name="device">Where it lives; null means <see cref="Device.Cpu"/>.</param>
/// <param name="seed">The seed of the initial values.</param>
/// <exception cref="ArgumentException">The configuration is impossible; see <see cref="ModelConfig.Check"/>.</exception>
public sealed class Gpt(GptConfig config, Device? device = null, ulong seed = 1) : Decoder(config, device, seed)
{
    /// <summary>The shape.</summary>
    public override GptConfig Config { get; } = config;
}
