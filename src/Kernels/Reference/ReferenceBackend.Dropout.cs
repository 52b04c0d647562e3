namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    /// <inheritdoc/>
    public override void Dropout(in View x, in View y, float rate, in RandomKey key, bool add)
    {
        V keep = V.Of(1f) - V.Of(rate);
        for (long i = 0; i < y.Count; i++)
        {
            bool kept = Philox.Unit(Philox.Bits(key, i)) >= rate;
            Set(y, i, kept ? Get(x, i) / keep : Zero, add);
        }
    }
}
