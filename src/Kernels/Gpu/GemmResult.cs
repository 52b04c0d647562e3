using ILGPU;

namespace Mayfly;

/// <summary>A matrix with dense columns; an absent one has no memory.</summary>
internal readonly struct GemmMatrix(ArrayView<float> data, int rowStep)
{
    public readonly ArrayView<float> Data = data;
    public readonly int RowStep = rowStep;

    public bool Exists => Data.Length > 0;
}

/// <summary>What becomes of the product: C = act(alpha product + beta C + bias) + residual.</summary>
internal readonly struct GemmResult(GemmMatrix c, int batchStep, float alpha, float beta, ArrayView<float> bias, GemmMatrix before, GemmMatrix residual)
{
    private readonly GemmMatrix c = c, before = before, residual = residual;
    private readonly ArrayView<float> bias = bias;
    private readonly int batchStep = batchStep;
    private readonly float alpha = alpha, beta = beta;

    /// <summary>Finishes and stores one element.</summary>
    public void Put<TAct>(TAct act, int part, int row, int column, float product) where TAct : unmanaged, IMap1<TAct>
    {
        int place = part * batchStep + row * c.RowStep + column;
        float y = alpha * product;
        if (beta != 0f) y += beta * c.Data[place];
        if (bias.Length > 0) y += bias[column];
        if (before.Exists) before.Data[row * before.RowStep + column] = y;
        y = act.F(new G1(y)).Value;
        if (residual.Exists) y += residual.Data[row * residual.RowStep + column];
        c.Data[place] = y;
    }
}
