using ILGPU;

namespace Mayfly;

/// <summary>Where a lane stands in a launch along one axis: it handles the elements First, First + Step, ...</summary>
public static class Lanes
{
    /// <summary>The lane's first element.</summary>
    public static int First => Grid.IdxX * Group.DimX + Group.IdxX;

    /// <summary>From one of the lane's elements to its next.</summary>
    public static int Step => Grid.DimX * Group.DimX;
}

/// <summary>
/// Folds one number of each lane of a group, in a tree whose form depends on the group's size alone. Groups have a power of two of lanes in
/// one axis.
/// </summary>
internal static class Trees
{
    /// <summary>The most lanes of a group that folds.</summary>
    public const int MostLanes = 256;

    /// <summary>Room for one fold; ask once in a kernel.</summary>
    public static ArrayView<float> Room() => SharedMemory.Allocate<float>(MostLanes);

    /// <summary>The total, in every lane; ends with a barrier, so that the room can be used again.</summary>
    public static float Fold(ArrayView<float> room, FoldKind kind, float x)
    {
        int lane = Group.IdxX;
        room[lane] = x;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (lane < half) room[lane] = Join(kind, room[lane], room[lane + half]);
            Group.Barrier();
        }

        float total = room[0];
        Group.Barrier();
        return total;
    }

    public static float Join(FoldKind kind, float a, float b) => kind == FoldKind.Sum ? a + b : G1.Max(new G1(a), new G1(b)).Value;

    public static float Start(FoldKind kind) => kind == FoldKind.Sum ? 0f : float.NegativeInfinity;
}
