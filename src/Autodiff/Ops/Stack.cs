namespace Mayfly;

public static partial class TensorOps
{
    extension(Tensor)
    {
        /// <summary>Tensors of one shape as the parts of a new axis, which becomes <paramref name="axis"/> (-1: the last).</summary>
        /// <remarks>Backward: each input gets a view of its part of dy, without a copy.</remarks>
        /// <exception cref="ArgumentException">No tensors, shapes that differ, or no such place for an axis.</exception>
        public static Tensor Stack(int axis, params ReadOnlySpan<Tensor> tensors)
        {
            if (tensors.Length == 0) throw new ArgumentException("Stack: no tensors; give at least one.");
            var parts = new Tensor[tensors.Length];
            for (int k = 0; k < parts.Length; k++)
            {
                if (tensors[k].Shape != tensors[0].Shape)
                    throw new ArgumentException($"Stack: shapes {tensors[0].Shape} and {tensors[k].Shape} differ; they must be equal.");
                parts[k] = tensors[k].Unsqueeze(axis);
            }

            return Tensor.Concat(axis, parts);
        }
    }
}
