using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mayfly;

public readonly partial record struct Rotate
{
    /// <inheritdoc/>
    public unsafe void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        Shape shape = X.Shape;
        if (shape.Count == 0) return;
        var job = new RotateJob<L>
        {
            X = X.Floats(),
            Y = Y.Floats(),
            Table = Table.Floats(),
            Shape = shape,
            XStrides = X.Layout.Strides,
            YStrides = Y.Layout.Strides,
            Halves = Halves,
            Add = Add,
            Sign = Inverse ? -1f : 1f,
            Times = Math.Max(1, 16384 / (shape[0] * shape[2] * shape[3])),
        };
        device.Share(ref job, (shape[1] + job.Times - 1) / job.Times);
    }

    /// <summary>A run of positions, each for all batches and heads, so that a position's cosines and sines are spread out once.</summary>
    private unsafe struct RotateJob<L> : IJob where L : struct, ISimd<L>
    {
        // pairs at a time: their cosines and sines, twice each, stay on the stack
        private const int Pairs = 256;

        public float* X, Y, Table;
        public Shape Shape, XStrides, YStrides;
        public bool Halves, Add;
        public float Sign;
        public long Times;

        public readonly void Run(int chunk)
        {
            float* cos = stackalloc float[2 * Pairs];
            float* sin = stackalloc float[2 * Pairs];
            long end = Math.Min(Shape[1], (chunk + 1) * Times), pairs = Shape[3] / 2;
            for (long t = chunk * Times; t < end; t++)
                for (long first = 0; first < pairs; first += Pairs)
                {
                    int count = (int)Math.Min(Pairs, pairs - first);
                    if (Halves) Spread(Table + 2 * (t * pairs + first), cos, sin, count);
                    else SpreadTwice(Table + 2 * (t * pairs + first), cos, sin, count);
                    Turn(t, first, count, cos, sin);
                }
        }

        private readonly void Spread(float* table, float* cos, float* sin, int count)
        {
            for (int i = 0; i < count; i++)
            {
                cos[i] = table[2 * i];
                sin[i] = Sign * table[2 * i + 1];
            }
        }

        /// <summary>For neighbours: both see the cosine, the first sees minus the sine.</summary>
        private readonly void SpreadTwice(float* table, float* cos, float* sin, int count)
        {
            for (int i = 0; i < count; i++)
            {
                cos[2 * i] = cos[2 * i + 1] = table[2 * i];
                sin[2 * i + 1] = Sign * table[2 * i + 1];
                sin[2 * i] = -sin[2 * i + 1];
            }
        }

        private readonly void Turn(long t, long first, int count, float* cos, float* sin)
        {
            long half = Shape[3] / 2;
            for (long b = 0; b < Shape[0]; b++)
                for (long h = 0; h < Shape[2]; h++)
                {
                    float* x = X + b * XStrides[0] + t * XStrides[1] + h * XStrides[2];
                    float* y = Y + b * YStrides[0] + t * YStrides[1] + h * YStrides[2];
                    if (Halves) TurnHalves(x + first, x + half + first, y + first, y + half + first, cos, sin, count, Add);
                    else TurnNeighbours(x + 2 * first, y + 2 * first, cos, sin, 2 * count, Add);
                }
        }

        // products and sums are rounded one by one, so that vectors and the scalar rest agree to the bit
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void TurnHalves(float* xa, float* xb, float* ya, float* yb, float* cos, float* sin, int count, bool add)
        {
            int i = 0;
            for (; i <= count - L.Count; i += L.Count)
            {
                L a = L.Load(xa + i), b = L.Load(xb + i), c = L.Load(cos + i), s = L.Load(sin + i);
                L p = a * c - b * s, q = b * c + a * s;
                L.Store(ya + i, add ? L.Load(ya + i) + p : p);
                L.Store(yb + i, add ? L.Load(yb + i) + q : q);
            }

            for (; i < count; i++)
            {
                float a = xa[i], b = xb[i], p = a * cos[i] - b * sin[i], q = b * cos[i] + a * sin[i];
                ya[i] = add ? ya[i] + p : p;
                yb[i] = add ? yb[i] + q : q;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void TurnNeighbours(float* x, float* y, float* cos, float* sin, int count, bool add)
        {
            int i = 0;
            for (; i <= count - L.Count; i += L.Count)
            {
                L a = L.Load(x + i), p = a * L.Load(cos + i) + Swap(a) * L.Load(sin + i);
                L.Store(y + i, add ? L.Load(y + i) + p : p);
            }

            for (; i < count; i += 2)
            {
                float a = x[i], b = x[i + 1], p = a * cos[i] + b * sin[i], q = b * cos[i + 1] + a * sin[i + 1];
                y[i] = add ? y[i] + p : p;
                y[i + 1] = add ? y[i + 1] + q : q;
            }
        }

        /// <summary>Exchanges each even element with its right neighbour.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static L Swap(L x)
        {
            if (typeof(L) == typeof(F16))
            {
                var order = Vector512.Create(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
                return Unsafe.BitCast<Vector512<float>, L>(Vector512.Shuffle(Unsafe.BitCast<L, Vector512<float>>(x), order));
            }

            if (typeof(L) == typeof(F8))
            {
                var order = Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6);
                return Unsafe.BitCast<Vector256<float>, L>(Vector256.Shuffle(Unsafe.BitCast<L, Vector256<float>>(x), order));
            }

            var four = Vector128.Create(1, 0, 3, 2);
            return Unsafe.BitCast<Vector128<float>, L>(Vector128.Shuffle(Unsafe.BitCast<L, Vector128<float>>(x), four));
        }
    }
}
