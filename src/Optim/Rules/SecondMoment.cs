namespace Mayfly;

/// <summary>
/// The second moment v of a gradient, of which a matrix keeps the means of rows and columns alone: v = row column / mean(row) (Shazeer
/// and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018). Of more than two axes the last two are the matrix.
/// </summary>
/// <param name="share">What this step's squares contribute: 1 - beta2.</param>
/// <param name="epsilon">Added to each square.</param>
public readonly struct SecondMoment(double share, double epsilon)
{
    /// <summary>The largest gradient whose squares a float sums up.</summary>
    public const double Largest = 1e15;

    /// <summary>The largest magnitude of a gradient's element.</summary>
    public double Limit { get; init; } = Largest;

    /// <summary>The least mean of the rows.</summary>
    public double MeanFloor { get; init; }

    /// <summary>The least root of v; 0 where the epsilon of the squares keeps it above zero.</summary>
    public double RootFloor { get; init; }

    private double Keep => 1 - share;

    /// <summary>Adds the moments of a parameter of the given shape.</summary>
    public static void Init(Shape shape, RuleState state)
    {
        if (shape.Rank < 2)
        {
            state.AddTensor("v", shape);
            return;
        }

        state.AddTensor("row", shape.Take(shape.Rank - 1));
        state.AddTensor("column", shape.Take(shape.Rank - 2).Append(shape[-1]));
    }

    /// <summary>Takes in a gradient and returns it divided by the root of v. Work space belongs to the innermost scope.</summary>
    /// <param name="gradient">The gradient; it is changed unless it is a plain matrix without a floor.</param>
    /// <param name="shape">The shape it counts as.</param>
    /// <param name="state">What <see cref="Init"/> added.</param>
    public NormalisedGradient Normalise(Tensor gradient, Shape shape, RuleState state) => shape.Rank switch
    {
        < 2 => Vector(gradient, state.Tensor("v")),
        2 when RootFloor == 0 => Matrix(gradient, shape, state.Tensor("row"), state.Tensor("column")),
        _ => Stack(gradient, shape, state.Tensor("row"), state.Tensor("column")),
    };

    private double Cap => RootFloor == 0 ? float.MaxValue : 1 / RootFloor;

    private NormalisedGradient Vector(Tensor gradient, Tensor v)
    {
        gradient.Step(new NormaliseElement(Limit, Keep, share, epsilon, Cap), gradient, v);
        return new NormalisedGradient(gradient);
    }

    /// <summary>
    /// Two reads of the gradient: the second also yields the sums of squares of u over each column, up to the column's factor.
    /// </summary>
    private NormalisedGradient Matrix(Tensor gradient, Shape shape, Tensor row, Tensor column)
    {
        var (device, rows, columns) = (gradient.Device, shape[0], shape[1]);
        var x = gradient.Read("SecondMoment").As(shape);
        var rowFactor = Scratch(device, (rows, 2)); // a row formula's shift, which is not used, and scale
        RowFactors(x, row, rowFactor.Write("SecondMoment").With(new Layout(shape.With(1, 1), (2, 1), 1)));
        Tensor squares = Scratch(device, columns), scaled = Scratch(device, columns), columnFactor = Scratch(device, columns);
        var args = new RowArgs { X = x, Stats = rowFactor.Read("SecondMoment"), LoadStats = true };
        var formula = new ColumnSquares(Limit, epsilon);
        device.Backend.Column(formula, args, squares.Write("SecondMoment"), false, scaled.Write("SecondMoment"), false);
        column.Step(new Blend(Keep, share / rows), squares);
        device.Backend.Map(new InverseRoot(), column.Read("SecondMoment"), columnFactor.Write("SecondMoment"));
        device.Backend.Map2(new TimesRoot(), columnFactor.Read("SecondMoment"), scaled.Read("SecondMoment"), scaled.Write("SecondMoment"));
        return new NormalisedGradient(gradient, shape, rowFactor, columnFactor, Limit, scaled.Squares());
    }

    /// <summary>Any number of matrices: three reads of the gradient, the last of which writes u over it.</summary>
    private NormalisedGradient Stack(Tensor gradient, Shape shape, Tensor row, Tensor column)
    {
        var backend = gradient.Device.Backend;
        Shape rowShape = shape.With(-1, 1), columnShape = shape.With(-2, 1);
        Tensor rowFactor = Scratch(gradient.Device, rowShape), columnFactor = Scratch(gradient.Device, columnShape);
        var x = gradient.Write("SecondMoment").As(shape);
        RowFactors(x, row, rowFactor.Write("SecondMoment"));
        TakeMeans(x, column, columnShape, shape[-2]);
        backend.Map(new InverseRoot(), column.Read("SecondMoment").As(columnShape), columnFactor.Write("SecondMoment"));
        View factorOfRow = rowFactor.Read("SecondMoment").To(shape), factorOfColumn = columnFactor.Read("SecondMoment").To(shape);
        backend.Map3(new TimesFactors(Limit, Cap), x, factorOfRow, factorOfColumn, x);
        return new NormalisedGradient(gradient);
    }

    /// <summary>Takes the squares into the rows' means and writes sqrt(mean(row) / row).</summary>
    private void RowFactors(in View x, Tensor row, in View factors)
    {
        var backend = row.Device.Backend;
        var shape = x.Shape.With(-1, 1);
        TakeMeans(x, row, shape, x.Shape[-1]);
        var mean = Scratch(row.Device, shape.With(-2, 1));
        var view = row.Read("SecondMoment").As(shape);
        backend.Fold(new Total(shape[-2]), view, mean.Write("SecondMoment"), add: false);
        backend.Map2(new RootOfRatio(MeanFloor), mean.Read("SecondMoment").To(shape), view, factors);
    }

    private void TakeMeans(in View x, Tensor means, Shape shape, long count)
    {
        means.MapInPlace(new Affine(Keep, -0.0));
        var formula = new SquareSum(Limit, epsilon, share / count);
        means.Device.Backend.Fold(formula, x, means.Write("SecondMoment").As(shape), add: true);
    }

    private static Tensor Scratch(Device device, Shape shape) => Tensor.Empty(device, shape, device.Float, Use.Scratch, "SecondMoment");
}

/// <summary>A gradient divided by the root of its second moment: u = g, or u[i, j] = g[i, j] rowFactor[i] columnFactor[j].</summary>
public readonly struct NormalisedGradient
{
    private readonly Tensor gradient;
    private readonly Shape shape;
    private readonly Tensor? rowFactor, columnFactor;
    private readonly double limit;

    /// <summary>A gradient that is u already.</summary>
    public NormalisedGradient(Tensor gradient)
    {
        this.gradient = gradient;
        Squares = gradient.Squares();
    }

    /// <summary>A matrix with factors.</summary>
    public NormalisedGradient(Tensor gradient, Shape shape, Tensor rowFactor, Tensor columnFactor, double limit, Number squares)
    {
        (this.gradient, this.shape, this.rowFactor, this.columnFactor, this.limit) = (gradient, shape, rowFactor, columnFactor, limit);
        Squares = squares;
    }

    /// <summary>The sum of the squares of u.</summary>
    public Number Squares { get; }

    /// <summary>p = p - decay p - size u.</summary>
    public void Step(Tensor p, Number decay, Number size)
    {
        if (rowFactor is null || columnFactor is null)
        {
            p.Step(new DecayedStep(0, 0, float.MaxValue), decay, size, gradient);
            return;
        }

        var y = p.Write("Step").As(shape);
        p.Device.Backend.Row(new FactoredStep(limit, 0, 0), decay, size, new RowArgs
        {
            X = gradient.Read("Step").As(shape), Dy = y, Y = y,
            Gain = columnFactor.Read("Step"), Stats = rowFactor.Read("Step"), LoadStats = true,
        });
    }
}

/// <summary>Shapes and measures that rules share.</summary>
public static class RuleTensors
{
    /// <summary>More than two axes as (first, rest).</summary>
    public static Shape AsMatrix(this Shape shape) => shape.Rank <= 2 ? shape : (shape[0], shape.Skip(1).Count);

    /// <summary>A dense view under another shape.</summary>
    public static View As(this in View x, Shape shape) => x.With(new Layout(shape, shape.RowMajorStrides(), x.Layout.Offset));

    /// <summary>The distance from 1 to the next number of a floating-point type.</summary>
    public static double MachineEpsilon(this DType type) => type == DType.F64 ? Math.BitIncrement(1.0) - 1 : MathF.BitIncrement(1f) - 1;

    /// <summary>Multiplies by a factor where that is below 1, or where it is not known whether it is.</summary>
    internal static void Shrink(this Tensor x, Number factor)
    {
        if (!factor.IsKnown) x.Step(new Times(1, 1), factor, 1, x);
        else if (factor.Value < 1) x.MapInPlace(new Affine(factor.Value, -0.0));
    }
}
