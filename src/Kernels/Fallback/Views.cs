using ILGPU.Runtime;

namespace ILGPU
{
    internal interface IIndex;

    internal readonly struct Index1D(int x) : IIndex
    {
        public int X { get; } = x;

        public static implicit operator Index1D(int value) => new(value);

        public static implicit operator int(Index1D index) => index.X;
    }

    /// <summary>A view that can be told which kernel parameter it stands for, so that its errors can say so.</summary>
    internal interface INamedView
    {
        object Named(string name);
    }

    internal readonly struct ArrayView<T> : INamedView where T : unmanaged
    {
        private readonly T[] data;
        private readonly string name;

        internal ArrayView(T[] data, string name)
        {
            this.data = data;
            this.name = name;
        }

        public long Length => data.Length;

        public int IntLength => data.Length;

        public ref T this[int index]
        {
            get
            {
                if ((uint)index >= (uint)data.Length)
                    throw new IndexOutOfRangeException($"Kernel argument {name}: index {index} is outside a view of {data.Length} elements.");
                return ref data[index];
            }
        }

        public ref T this[Index1D index] => ref this[index.X];

        object INamedView.Named(string name) => new ArrayView<T>(data, name);
    }
}

namespace ILGPU.Runtime
{
    internal static class Stride1D
    {
        internal readonly struct Dense;
    }

    internal readonly struct ArrayView1D<T, TStride>(ArrayView<T> baseView) where T : unmanaged where TStride : struct
    {
        public ArrayView<T> BaseView { get; } = baseView;

        public long Length => BaseView.Length;

        public static implicit operator ArrayView<T>(ArrayView1D<T, TStride> view) => view.BaseView;
    }

    internal abstract class MemoryBuffer<TView>(TView view) : IDisposable where TView : struct
    {
        public TView View { get; } = view;

        public void Dispose()
        {
        }
    }

    internal sealed class MemoryBuffer1D<T, TStride>(T[] data)
        : MemoryBuffer<ArrayView1D<T, TStride>>(new(new ArrayView<T>(data, "of the host"))) where T : unmanaged where TStride : struct
    {
        public long Length => View.Length;
    }

    internal static class ArrayViewExtensions
    {
        public static T[] GetAsArray1D<T>(this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> buffer) where T : unmanaged
        {
            var data = new T[buffer.View.Length];
            for (int i = 0; i < data.Length; i++) data[i] = buffer.View.BaseView[i];
            return data;
        }
    }
}
