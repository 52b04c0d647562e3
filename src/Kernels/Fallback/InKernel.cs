using System.Runtime.CompilerServices;
using ILGPU.Runtime;

namespace ILGPU
{
    internal static class Grid
    {
        public static int IdxX => SimulatedLane.Here.Group.Place.X;

        public static int IdxY => SimulatedLane.Here.Group.Place.Y;

        public static int IdxZ => SimulatedLane.Here.Group.Place.Z;

        public static int DimX => SimulatedLane.Here.Group.Config.GridDim.X;

        public static int DimY => SimulatedLane.Here.Group.Config.GridDim.Y;

        public static int DimZ => SimulatedLane.Here.Group.Config.GridDim.Z;
    }

    internal static class Group
    {
        public static int IdxX => SimulatedLane.Here.Place.X;

        public static int IdxY => SimulatedLane.Here.Place.Y;

        public static int IdxZ => SimulatedLane.Here.Place.Z;

        public static int DimX => SimulatedLane.Here.Group.Config.GroupDim.X;

        public static int DimY => SimulatedLane.Here.Group.Config.GroupDim.Y;

        public static int DimZ => SimulatedLane.Here.Group.Config.GroupDim.Z;

        public static int LinearIndex => SimulatedLane.Here.Index;

        public static bool IsFirstThread => SimulatedLane.Here.Index == 0;

        public static void Barrier() => SimulatedLane.Here.Group.Wait(SimulatedLane.Here, LaneState.AtGroup);

        public static T Broadcast<T>(T value, int groupIndex) where T : unmanaged => Exchange.Read(value, groupIndex, LaneState.AtGroup);

        public static int BarrierPopCount(bool predicate) => Exchange.Count(predicate);

        public static bool BarrierAnd(bool predicate) => Exchange.Count(predicate) == SimulatedLane.Here.Group.Count;

        public static bool BarrierOr(bool predicate) => Exchange.Count(predicate) > 0;
    }

    internal static class Warp
    {
        public static int WarpSize => SimulatedLane.Here.Group.WarpSize;

        public static int LaneIdx => SimulatedLane.Here.Index % WarpSize;

        public static int WarpIdx => SimulatedLane.Here.Index / WarpSize;

        public static bool IsFirstLane => LaneIdx == 0;

        public static void Barrier() => SimulatedLane.Here.Group.Wait(SimulatedLane.Here, LaneState.AtWarp);

        public static T Shuffle<T>(T variable, int sourceLane) where T : unmanaged => From(variable, sourceLane);

        public static T ShuffleDown<T>(T variable, int delta) where T : unmanaged => From(variable, LaneIdx + delta);

        public static T ShuffleUp<T>(T variable, int delta) where T : unmanaged => From(variable, LaneIdx - delta);

        public static T ShuffleXor<T>(T variable, int mask) where T : unmanaged => From(variable, LaneIdx ^ mask);

        public static T Broadcast<T>(T value, int laneIndex) where T : unmanaged => From(value, laneIndex);

        /// <summary>A lane outside the warp gives back one's own value.</summary>
        private static T From<T>(T value, int lane) where T : unmanaged
        {
            int first = SimulatedLane.Here.Index - LaneIdx;
            bool exists = (uint)lane < (uint)WarpSize && first + lane < SimulatedLane.Here.Group.Count;
            return Exchange.Read(value, first + (exists ? lane : LaneIdx), LaneState.AtWarp);
        }
    }

    internal static unsafe class SharedMemory
    {
        public static ArrayView<T> Allocate<T>(int extent) where T : unmanaged
        {
            var lane = SimulatedLane.Here;
            return new ArrayView<T>(lane.Group.Shared(lane.NextAllocation(), (long)extent * sizeof(T)), extent);
        }

        public static ref T Allocate<T>() where T : unmanaged => ref Allocate<T>(1)[0];
    }

    /// <summary>Only one lane runs at any time: what is not interrupted is atomic.</summary>
    internal static class Atomic
    {
        public static int Add(ref int target, int value) => Exchange(ref target, target + value);

        public static uint Add(ref uint target, uint value) => Exchange(ref target, target + value);

        public static float Add(ref float target, float value) => Exchange(ref target, target + value);

        public static int Max(ref int target, int value) => Exchange(ref target, Math.Max(target, value));

        public static int Min(ref int target, int value) => Exchange(ref target, Math.Min(target, value));

        public static int Or(ref int target, int value) => Exchange(ref target, target | value);

        public static int CompareExchange(ref int target, int compare, int value) => Exchange(ref target, target == compare ? value : target);

        public static T Exchange<T>(ref T target, T value) where T : unmanaged
        {
            T old = target;
            target = value;
            return old;
        }
    }

    internal static class Interop
    {
        public static uint FloatAsInt(float value) => BitConverter.SingleToUInt32Bits(value);

        public static float IntAsFloat(uint value) => BitConverter.UInt32BitsToSingle(value);
    }

    /// <summary>Numbers handed from lane to lane.</summary>
    internal static class Exchange
    {
        /// <summary>What lane <paramref name="source"/> of the group gave to the same call.</summary>
        public static T Read<T>(T value, int source, LaneState where) where T : unmanaged
        {
            var lane = SimulatedLane.Here;
            int phase = lane.Phase;
            lane.Phase = 1 - phase;
            Unsafe.As<long, T>(ref lane.Group.Slot(lane.Index, phase)) = value;
            lane.Group.Wait(lane, where);
            return Unsafe.As<long, T>(ref lane.Group.Slot(source, phase));
        }

        /// <summary>How many lanes of the group gave true.</summary>
        public static int Count(bool predicate)
        {
            var lane = SimulatedLane.Here;
            int phase = lane.Phase, count = 0;
            Read(predicate ? 1 : 0, lane.Index, LaneState.AtGroup);
            for (int i = 0; i < lane.Group.Count; i++) count += (int)lane.Group.Slot(i, phase);
            return count;
        }
    }
}

namespace ILGPU.Algorithms
{
    /// <summary>The functions a kernel may call.</summary>
    internal static class XMath
    {
        public static bool IsNaN(float value) => float.IsNaN(value);

        public static float Abs(float value) => MathF.Abs(value);

        public static float Sqrt(float value) => MathF.Sqrt(value);

        public static float Exp(float value) => MathF.Exp(value);

        public static float Log(float value) => MathF.Log(value);

        public static float Max(float a, float b) => MathF.Max(a, b);

        public static float Min(float a, float b) => MathF.Min(a, b);
    }
}
