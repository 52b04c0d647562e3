using System.Runtime.InteropServices;
using TrainGpt;

var signals = new Signals();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = signals.Interrupt());
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = signals.Terminate());
using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal => signal.Cancel = signals.HangUp());
Console.SetOut(SteadyStream.Writer(Console.OpenStandardOutput()));
Console.SetError(SteadyStream.Writer(Console.OpenStandardError()));
return App.Run(args, new CommandContext(Console.In, Console.Out, Console.Error, signals));
