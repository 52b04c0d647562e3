using System.CommandLine;

namespace TrainGpt;

/// <summary><c>devices</c>: what --device can name on this machine, and why something is not there.</summary>
internal static class DevicesCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("devices", "Lists what --device can name on this machine, and why something is not there.");
        command.SetAction(_ => Run(context.Output));
        return command;
    }

    private static void Run(TextWriter output)
    {
        foreach (var device in Device.List())
            output.WriteLine($"{device.Name,-10} {(device.IsAvailable ? "yes" : "no"),-4} {device.Description}");
    }
}
