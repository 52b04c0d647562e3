using Mayfly;

namespace Extending;

/// <summary>Checks the gradients of the ops of this folder and trains its module with its rule.</summary>
public static class Program
{
    public static void Main() => Run(Console.Out);

    /// <summary>Does everything, printing as it goes.</summary>
    /// <returns>The last loss.</returns>
    /// <exception cref="GradientMismatchException">A gradient is wrong.</exception>
    public static double Run(TextWriter output)
    {
        CheckGradients();
        output.WriteLine("gradient check passed");
        var folder = Directory.CreateTempSubdirectory("extending");
        try
        {
            LanguageModels.Run(output, folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        return Train(output);
    }

    private static void CheckGradients()
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("gradient check");
        var x = Tensor.Uniform((3, 7), -2, 2, new RandomKey(1, 1), device); // (3, 7)
        var gain = Tensor.Uniform(7, -2, 2, new RandomKey(1, 2), device); // (7)
        GradCheck.Run(inputs => inputs[0].Softsign(), [x]);
        GradCheck.Run(inputs => inputs[0].L2Norm(inputs[1]), [x, gain]);
        GradCheck.Run(inputs => inputs[0].CumulativeSum(), [x]);
        GradCheck.Run(inputs => inputs[0].LeakyTotal(0.7f), [Tensor.Uniform((2, 5, 3), -2, 2, new RandomKey(1, 4), device)]);
        GradCheck.Run(inputs => inputs[0].Transpose(0, 1).L2Norm(inputs[1]), [x, Tensor.Ones(3, device)]);
    }

    private static double Train(TextWriter output)
    {
        using var device = Device.CreateCpu();
        using var scope = device.Scope("training");
        var x = Tensor.Uniform((64, 2), -1, 1, new RandomKey(1, 3), device); // (64, 2)
        var y = x.Slice(1, 0, 1) * x.Slice(1, 1, 1); // (64, 1), the product of both columns
        using var net = new GatedNet(new ParameterSource(device, seed: 1), inputs: 2, hidden: 16);

        var lion = new Lion { WeightDecay = 0.01 };
        var route = new Route()
            .Add([Role.Hidden, Role.Head], lion)
            .Otherwise(lion.WithoutDecay());
        var options = new UpdaterOptions { Schedule = new WarmUpCosine(0.01, 0, WarmUp: 20, Total: 500) };
        using var updater = new Updater(net.Parameters(), route, options);
        output.WriteLine(updater.Describe());

        double loss = 0;
        for (int step = 1; step <= 500; step++)
        {
            loss = updater.Step(() => net.Call(x).Mse(y)).Loss;
            if (step is 1 or 100 or 500) output.WriteLine($"step {step,3}  loss {loss:F5}");
        }

        return loss;
    }
}
