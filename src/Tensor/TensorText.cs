using System.Globalization;
using System.Text;

namespace Mayfly;

/// <summary>Readable printing: nested rows, long axes shortened, four significant digits.</summary>
internal static class TensorText
{
    private const int Edge = 3, Longest = 8;

    public static string Format(Tensor x)
    {
        if (x.IsFreed) return $"Tensor {x.Shape} {x.Type} (freed)";
        var text = new StringBuilder($"Tensor {x.Shape} {x.Type}");
        if (x.Count == 0) return text.Append(" []").ToString();
        text.Append(x.Rank > 1 ? "\n" : " ");
        Axis(text, x, x.Type == DType.I32 ? Array.ConvertAll(x.ToArray<int>(), i => (double)i) : x.ToArray<double>(), 0, 0);
        return text.ToString();
    }

    private static void Axis(StringBuilder text, Tensor x, double[] values, int axis, long start)
    {
        if (axis == x.Rank)
        {
            text.Append(Number(values[start], x.Type));
            return;
        }

        long n = x.Shape[axis], step = x.Shape.Skip(axis + 1).Count;
        text.Append('[');
        for (long i = 0; i < n; i++)
        {
            if (i > 0) text.Append(axis == x.Rank - 1 ? ", " : ",\n" + new string(' ', axis + 1));
            if (n > Longest && i == Edge)
            {
                text.Append("...");
                i = n - Edge - 1;
                continue;
            }

            Axis(text, x, values, axis + 1, start + i * step);
        }

        text.Append(']');
    }

    private static string Number(double value, DType type) =>
        type == DType.I32 ? ((int)value).ToString(CultureInfo.InvariantCulture) : value.ToString("G4", CultureInfo.InvariantCulture);
}

public sealed partial class Tensor
{
    /// <summary>Shape, type and values; long axes are shortened.</summary>
    public override string ToString() => TensorText.Format(this);
}
