namespace Mayfly.Tests;

/// <summary>Two models that play against each other (Goodfellow et al., "Generative adversarial networks", 2014).</summary>
public sealed class AdversaryTests
{
    private const int Batch = 128, Noise = 4, Steps = 1000;
    private const float Centre = 1.5f, Deviation = 0.5f;

    /// <summary>
    /// A generator makes points like those of a normal distribution that it never sees: the mean and the deviation of both coordinates
    /// are met within 0.2. One sweep steps both: the discriminator by least squares (Mao et al. 2017), the generator by the same gradient
    /// reversed (Ganin and Lempitsky 2015).
    /// </summary>
    [Fact]
    public void A_generator_learns_a_distribution_in_one_sweep() => Learns((generator, discriminator, made, judged) =>
    {
        var both = new UpdaterGroup(made, judged);
        return (real, noise) => both.Step(() =>
        {
            var fake = generator.Call(noise);
            var reversed = fake.Detach().Scale(2) - fake; // the same points, and the opposite gradient
            return Squares(discriminator.Call(real) - 1) + Squares(discriminator.Call(reversed) + 1);
        });
    });

    /// <summary>The same with a loss for each, the usual way: the discriminator is frozen while the generator is stepped.</summary>
    [Fact]
    public void A_generator_learns_a_distribution_in_turns() => Learns((generator, discriminator, made, judged) => (real, noise) =>
    {
        var fake = generator.Call(noise); // no tape records it
        judged.Step(() => Squares(discriminator.Call(real) - 1) + Squares(discriminator.Call(fake) + 1));
        discriminator.Freeze();
        made.Step(() => Squares(discriminator.Call(generator.Call(noise)) - 1));
        discriminator.Unfreeze();
    });

    /// <summary>Trains the two, a step being what is made of them, and looks at what the generator has learned.</summary>
    private static void Learns(Func<Mlp2, Mlp2, Updater, Updater, Action<Tensor, Tensor>> game)
    {
        using var device = Device.CreateCpu(threads: 1);
        using Mlp2 generator = new(device, Noise, 16, 2, seed: 1), discriminator = new(device, 2, 32, 1, seed: 2);
        var rule = new AdamW { Beta1 = 0.5, WeightDecay = 0 };
        using Updater made = Of(generator, rule, 0.002), judged = Of(discriminator, rule, 0.02);
        var play = game(generator, discriminator, made, judged);
        for (int step = 0; step < Steps; step++)
        {
            using var scope = device.Scope("step");
            play(Real(step, device), Latent(step, device));
        }

        Check(generator, device);
    }

    private static void Check(Mlp2 generator, Device device)
    {
        using var scope = device.Scope("test");
        var points = generator.Call(Tensor.Normal((2000, Noise), 0, 1, new RandomKey(9, 9), device)).ToArray();
        for (int axis = 0; axis < 2; axis++)
        {
            double[] line = [.. points.Where((_, i) => i % 2 == axis).Select(x => (double)x)];
            double mean = line.Average(), deviation = Math.Sqrt(line.Average(x => (x - mean) * (x - mean)));
            Assert.InRange(mean, (axis == 0 ? Centre : -Centre) - 0.2, (axis == 0 ? Centre : -Centre) + 0.2);
            Assert.InRange(deviation, Deviation - 0.2, Deviation + 0.2);
        }
    }

    private static Updater Of(Module module, Rule rule, double rate) => new(
        module.Parameters(), Route.Default(rule), new UpdaterOptions { Schedule = new WarmUpCosine(rate, 0, 0, Steps) });

    private static Tensor Squares(Tensor x) => (x * x).Mean();

    /// <summary>Points around (1.5, -1.5).</summary>
    private static Tensor Real(int step, Device device)
    {
        var points = Tensor.Normal((Batch, 2), 0, Deviation, new RandomKey(7, (ulong)step), device);
        return points + Tensor.From<float>([Centre, -Centre], 2, device);
    }

    private static Tensor Latent(int step, Device device) => Tensor.Normal((Batch, Noise), 0, 1, new RandomKey(8, (ulong)step), device);

    /// <summary>Two linear layers.</summary>
    private sealed class Mlp2 : Module
    {
        private readonly Linear first, second;

        public Mlp2(Device device, int inputs, int width, int outputs, ulong seed)
        {
            var source = new ParameterSource(device, seed);
            first = Add("first", new Linear(source, inputs, width));
            second = Add("second", new Linear(source, width, outputs));
        }

        protected override Tensor Forward(Tensor x) => second.Call(first.Call(x, new Tanh()));
    }
}
