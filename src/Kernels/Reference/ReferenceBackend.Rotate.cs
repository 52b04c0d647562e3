namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    /// <inheritdoc/>
    public override void Rotate(in View x, in View table, in View y, bool halves, bool inverse, bool add)
    {
        long batch = x.Shape[0], time = x.Shape[1], heads = x.Shape[2], pairs = x.Shape[3] / 2;
        for (long b = 0; b < batch; b++)
            for (long t = 0; t < time; t++)
                for (long h = 0; h < heads; h++)
                    for (long i = 0; i < pairs; i++)
                    {
                        V cosine = Get(table, 2 * (t * pairs + i)), sine = Get(table, 2 * (t * pairs + i) + 1);
                        long first = halves ? i : 2 * i, second = halves ? i + pairs : 2 * i + 1;
                        Turn(x, y, (b * time + t) * heads + h, first, second, cosine, inverse ? -sine : sine, add);
                    }
    }

    /// <summary>Turns one pair of elements of one row.</summary>
    private static void Turn(in View x, in View y, long row, long first, long second, V cosine, V sine, bool add)
    {
        long start = row * x.Shape[3];
        V a = Get(x, start + first), b = Get(x, start + second);
        Set(y, start + first, a * cosine - b * sine, add);
        Set(y, start + second, a * sine + b * cosine, add);
    }
}
