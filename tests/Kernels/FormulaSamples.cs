using System.Reflection;
using Mayfly.Tests.GpuFormulas;

namespace Mayfly.Tests;

/// <summary>The formulas whose hyper-parameters must not be zero to be worth a check, with some.</summary>
internal static class FormulaSamples
{
    private static readonly object[] All =
    [
        new AdamWUpdate(0.9, 0.1, 0.99, 0.01, 1e-8, 1e-3, 0.1, 2),
        new AdamDirection(0.9, 0.1, 0.99, 0.01, 1e-3, 3, 2),
        new NormalQuantile(0.5f),
        new Clamp(-0.7, 0.5),
        new HuberLoss(0.75),
        new DecayedStep(0.01, 0.1, 2),
        new Times(0.5, 3),
        new MuonMomentum(0.9, 0.1, true),
        new MuonUpdate(1e-3, 0.1),
        new CautiousUpdate(1e-3, 0.1),
        new InverseNorm(2, 3e-3),
        new InverseRootPlus(1e-3),
        new SquareSum(3, 1e-3, 0.1),
        new TimesFactors(3, 2),
        new NormaliseElement(3, 0.25, 0.75, 1e-3, 10),
        new Blend(0.25, 0.75),
        new RootOfRatio(0.01),
        new SgdUpdate(0.01, 0.9, 0.5, 0.1, 0.2),
        new EightDigits(0.7, 0),
        new Affine(0.7, 0.3),
        new DivideBy(3),
        new DivideInto(3),
        new FillWhere(3),
        new Pow(3),
        new EveryOperation(0.5f),
        new TwoStates(0.1f),
    ];

    /// <summary>A formula with its numbers, if it has any.</summary>
    public static object Of(Type formula)
    {
        bool hasNumbers = formula.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public).Length > 0;
        if (!hasNumbers) return Activator.CreateInstance(formula)!;
        return Array.Find(All, sample => sample.GetType() == formula)
            ?? throw new InvalidOperationException($"{formula.Name} has no row in {nameof(FormulaSamples)}; add one.");
    }
}
