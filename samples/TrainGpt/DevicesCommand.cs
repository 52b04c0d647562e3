using System.CommandLine;

namespace TrainGpt;

/// <summary>
/// <c>devices</c>: what --device can name on this machine, and why something is not there; or whether one computes rightly.
/// </summary>
internal static class DevicesCommand
{
    public static Command Create(CommandContext context)
    {
        var check = new Option<string?>("--check")
        {
            Description = "Trains small models on this device and on the CPU for some 20 seconds, and compares their losses.",
            HelpName = "NAME",
        };
        var command = new Command("devices", "Lists what --device can name on this machine, and why something is not there.") { check };
        command.SetAction(parse => parse.GetValue(check) is { } name ? Check(name, context.Output) : List(context.Output));
        return command;
    }

    private static int List(TextWriter output)
    {
        foreach (var device in Device.List())
            output.WriteLine($"{device.Name,-10} {(device.IsAvailable ? "yes" : "no"),-4} {device.Description}");
        return 0;
    }

    private static int Check(string name, TextWriter output)
    {
        using var device = Device.Open(name);
        var check = new DeviceCheck(device, steps: 5, output);
        bool agrees = check.Run(DeviceCheck.Quick, TimeSpan.FromSeconds(20));
        output.WriteLine($"{name} {(agrees ? "computes" : "does not compute")} what the CPU computes, "
            + $"in {check.Count} of {DeviceCheck.Quick.Count()} trainings.");
        return agrees ? 0 : 1;
    }
}
