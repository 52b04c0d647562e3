using ILGPU;

namespace Mayfly;

/// <summary>A matrix with dense columns; an absent one has no memory.</summary>
internal readonly struct GemmMatrix(ArrayView<float> data, int rowStep)
{
    public readonly ArrayView<float> Data = data;
    public readonly int RowStep = rowStep;

    public bool Exists => Data.Length > 0;

    /// <summary>The quad that starts at a row and column.</summary>
    public ref Quad Quad(int row, int column) => ref Data.Cast<Quad>()[(row * RowStep + column) / 4];
}

/// <summary>What becomes of the product: C = act(alpha product + beta C + bias) + residual.</summary>
internal readonly struct GemmResult(GemmMatrix c, int partStep, float alpha, float beta, ArrayView<float> bias, GemmMatrix before,
    GemmMatrix residual, int quads)
{
    private readonly GemmMatrix c = c, before = before, residual = residual;
    private readonly ArrayView<float> bias = bias;
    private readonly int partStep = partStep, quads = quads;
    private readonly float alpha = alpha, beta = beta;

    /// <summary>Finishes and stores one element.</summary>
    public void Put<TAct>(TAct act, GemmPlace at, float product) where TAct : unmanaged, IMap1<TAct>
    {
        int place = at.Part * partStep + at.Row * c.RowStep + at.Column;
        float y = alpha * product;
        if (beta != 0f) y += beta * c.Data[place];
        if (bias.Length > 0) y += bias[at.Column];
        if (before.Exists) before.Data[at.Row * before.RowStep + at.Column] = y;
        y = act.F(new G1(y)).Value;
        if (residual.Exists) y += residual.Data[at.Row * residual.RowStep + at.Column];
        c.Data[place] = y;
    }

    /// <summary>Finishes and stores the elements of a quad that lie before column <paramref name="end"/>.</summary>
    public void Put<TAct>(TAct act, GemmPlace at, int end, Quad product) where TAct : unmanaged, IMap1<TAct>
    {
        if (at.Column >= end) return;
        if (quads != 0)
        {
            PutWhole(act, at, product);
            return;
        }

        for (int column = at.Column; column < end && column < at.Column + 4; column++)
        {
            Put(act, new GemmPlace(at.Part, at.Row, column), product.X);
            product = Mayfly.Quad.Of(product.Y, product.Z, product.W, 0f);
        }
    }

    private void PutWhole<TAct>(TAct act, GemmPlace at, Quad product) where TAct : unmanaged, IMap1<TAct>
    {
        int place = (at.Part * partStep + at.Row * c.RowStep + at.Column) / 4;
        var y = alpha * product;
        if (beta != 0f) y += beta * c.Data.Cast<Quad>()[place];
        if (bias.Length > 0) y += Mayfly.Quad.Of(bias[at.Column], bias[at.Column + 1], bias[at.Column + 2], bias[at.Column + 3]);
        if (before.Exists) before.Quad(at.Row, at.Column) = y;
        y = Mayfly.Quad.Of(act.F(new G1(y.X)).Value, act.F(new G1(y.Y)).Value, act.F(new G1(y.Z)).Value, act.F(new G1(y.W)).Value);
        if (residual.Exists) y += residual.Quad(at.Row, at.Column);
        c.Data.Cast<Quad>()[place] = y;
    }
}
