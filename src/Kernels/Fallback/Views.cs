using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU.Runtime;

namespace ILGPU
{
    /// <summary>Elements of native memory, each access checked. The launch that fails names the kernel and the argument.</summary>
    internal readonly unsafe struct ArrayView<T> : IView, IContiguousArrayView<T> where T : unmanaged
    {
        private readonly T* data;

        internal ArrayView(void* data, long length)
        {
            this.data = (T*)data;
            Length = length;
        }

        public static ArrayView<T> Empty => default;

        public long Length { get; }

        public int IntLength => checked((int)Length);

        public bool IsValid => data is not null;

        public bool IsEmpty => Length == 0;

        nint IContiguousArrayView<T>.First(long length) => (nint)SubView(0, length).data;

        long IView.Start => (long)data;

        long IView.Bytes => Length * sizeof(T);

        public ref T this[int index] => ref this[(long)index];

        public ref T this[long index]
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get
            {
                if ((ulong)index >= (ulong)Length) throw new ViewException((long)data, $"index {index} is outside a view of {Length} elements");
                return ref data[index];
            }
        }

        public static implicit operator ArrayView<T>(ArrayView1D<T, Stride1D.Dense> view) => view.BaseView;

        public ArrayView<T> SubView(long index) => SubView(index, Length - index);

        public ArrayView<T> SubView(long index, long length)
        {
            if (index < 0 || length < 0 || index > Length - length)
                throw new ViewException((long)data, $"elements {index} to {index + length} are outside a view of {Length} elements");
            return new ArrayView<T>(data + index, length);
        }

        public ArrayView<TOther> Cast<TOther>() where TOther : unmanaged
        {
            if ((long)data % Math.Min(sizeof(TOther), 16) != 0)
                throw new ViewException((long)data, $"a view that does not start at a multiple of {sizeof(TOther)} bytes is cast to {typeof(TOther).Name}");
            return new ArrayView<TOther>(data, Length * sizeof(T) / sizeof(TOther));
        }
    }

    /// <summary>Where a view lies, whatever its element type.</summary>
    internal interface IView
    {
        long Start { get; }

        long Bytes { get; }
    }

    /// <summary>An access outside a view; <see cref="Start"/> is the address at which the view starts.</summary>
    internal sealed class ViewException(long start, string message) : Exception(message)
    {
        public long Start { get; } = start;
    }
}

namespace ILGPU.Runtime
{
    internal readonly struct ArrayView1D<T, TStride>(ArrayView<T> baseView) where T : unmanaged where TStride : struct
    {
        public ArrayView<T> BaseView { get; } = baseView;

        public long Length => BaseView.Length;    }

    internal abstract unsafe class MemoryBuffer : IDisposable
    {
        protected MemoryBuffer(long length, int elementSize)
        {
            Length = length;
            try
            {
                NativePtr = (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(64, checked(length * elementSize)), 64);
            }
            catch (OutOfMemoryException e)
            {
                throw new AcceleratorException(e.Message);
            }

            NativeMemory.Fill((void*)NativePtr, (nuint)(length * elementSize), 0xFF); // not-a-number: what was never written shows
        }

        public nint NativePtr { get; private set; }

        public long Length { get; }

        public void Dispose()
        {
            NativeMemory.AlignedFree((void*)NativePtr);
            NativePtr = 0;
        }
    }

    internal sealed unsafe class MemoryBuffer1D<T, TStride>(long length) : MemoryBuffer(length, sizeof(T)) where T : unmanaged where TStride : struct
    {
        public ArrayView1D<T, TStride> View => new(new ArrayView<T>((void*)NativePtr, Length));
    }

    internal interface IContiguousArrayView<T> where T : unmanaged
    {
        /// <summary>The address of the first of <paramref name="length"/> elements.</summary>
        nint First(long length);
    }

    internal static unsafe class ArrayViewExtensions
    {
        public static void CopyFromCPU<T, TView>(this TView target, AcceleratorStream stream, ref T cpuData, long length)
            where TView : IContiguousArrayView<T> where T : unmanaged
        {
            ArgumentNullException.ThrowIfNull(stream);
            fixed (T* from = &cpuData) Buffer.MemoryCopy(from, (void*)target.First(length), length * sizeof(T), length * sizeof(T));
        }

        public static void CopyToCPU<T, TView>(this TView source, AcceleratorStream stream, ref T cpuData, long length)
            where TView : IContiguousArrayView<T> where T : unmanaged
        {
            ArgumentNullException.ThrowIfNull(stream);
            fixed (T* to = &cpuData) Buffer.MemoryCopy((void*)source.First(length), to, length * sizeof(T), length * sizeof(T));
        }
    }
}
