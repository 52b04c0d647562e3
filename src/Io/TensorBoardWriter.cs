using System.Globalization;

namespace Mayfly;

/// <summary>Writes the figures of a run as an event file that TensorBoard shows. Each step is in the file at once.</summary>
public sealed class TensorBoardWriter : IDisposable
{
    private readonly TimeProvider clock;
    private readonly RecordFile file;

    /// <summary>Begins a file of its own, <c>events.out.tfevents.TIME.HOST</c>, in a folder, which is made where it is missing.</summary>
    /// <param name="folder">The folder of the run's event files.</param>
    /// <param name="step">The steps done before; later ones in the folder's other files were lost and are no longer shown. 0 for a new
    /// run.</param>
    /// <param name="clock">The time of events; null for the system's.</param>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public TensorBoardWriter(string folder, long step = 0, TimeProvider? clock = null)
    {
        this.clock = clock ?? TimeProvider.System;
        file = new RecordFile(NewName(folder, this.clock.GetUtcNow()), TfRecord.Frame(TensorBoardEvent.Version(Now)), isNew: true);
        file.Append([]);
        if (step > 0) Add(TensorBoardEvent.Restart(Now, step + 1));
    }

    /// <summary>The file.</summary>
    public string Path => file.Path;

    private double Now => (clock.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds;

    /// <summary>Adds a step; what is NaN was not measured and is left out.</summary>
    /// <exception cref="InputException">The file cannot be written; the step is kept, for the next call that can write it.</exception>
    public void Write(RunPoint point)
    {
        (string Tag, double Value)[] scalars =
        [
            ("loss", point.Loss), ("validation_loss", point.ValidationLoss), ("learning_rate", point.LearningRate),
            ("tokens_per_second", point.TokensPerSecond), ("peak_bytes", point.PeakBytes), ("live_bytes", point.LiveBytes),
            ("gradient_norm", point.GradientNorm), ("perplexity", point.Perplexity), ("bits_per_byte", point.BitsPerByte),
            ("accuracy", point.Accuracy),
        ];
        Write(point.Step, scalars);
    }

    /// <summary>Adds numbers of one's own to a step, such as an accuracy; what is NaN is left out.</summary>
    /// <param name="step">The step.</param>
    /// <param name="scalars">Their names and values.</param>
    /// <exception cref="InputException">The file cannot be written; the step is kept, for the next call that can write it.</exception>
    public void Write(long step, params IEnumerable<(string Tag, double Value)> scalars) => Add(TensorBoardEvent.Scalars(
        Now, step, scalars.Where(scalar => !double.IsNaN(scalar.Value)).Select(scalar => (scalar.Tag, (float)scalar.Value))));

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    /// <summary>Returns when all steps are on the disk.</summary>
    /// <exception cref="InputException">They could not be written.</exception>
    public void Flush() => file.Flush();

    /// <summary>A run that begins in the same second as another gets the name's next number.</summary>
    private static string NewName(string folder, DateTimeOffset time)
    {
        string name = System.IO.Path.Combine(folder,
            string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{time.ToUnixTimeSeconds()}.{Environment.MachineName}"));
        string path = name;
        for (int i = 1; File.Exists(path); i++) path = string.Create(CultureInfo.InvariantCulture, $"{name}.{i}");
        return path;
    }

    private void Add(byte[] message) => file.Append(TfRecord.Frame(message));
}
