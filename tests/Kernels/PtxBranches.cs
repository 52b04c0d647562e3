using System.Text.RegularExpressions;

namespace Mayfly.Tests;

/// <summary>
/// Finds branches that ILGPU marks as taken by all lanes alike (bra.uni) although their condition comes from the lane's number: a GPU may
/// then send a whole warp one lane's way. No simulation shows that. ILGPU errs where a value goes round a loop; a choice between two values
/// already computed needs no branch.
/// </summary>
internal static partial class PtxBranches
{
    public static IEnumerable<string> WronglyUniform(string ptx)
    {
        var steps = Steps(ptx).ToList();
        HashSet<string> differing = ["%tid.x", "%tid.y", "%tid.z", "%laneid"];
        while (steps.Count(s => s.From.Any(differing.Contains) && s.To.Count(differing.Add) > 0) > 0)
        {
        }

        return steps.Where(s => s.Name == "bra.uni" && s.From.Any(differing.Contains)).Select(s => s.Text);
    }

    /// <summary>
    /// Each instruction with the registers it reads and writes. Address registers are used again and again: each write makes a new one.
    /// </summary>
    private static IEnumerable<(string Name, string[] To, string[] From, string Text)> Steps(string ptx)
    {
        Dictionary<string, string> addresses = [];
        foreach (Match step in StepRegex().Matches(ptx))
        {
            string name = step.Groups["name"].Value, operands = step.Groups["operands"].Value;
            bool writes = !name.StartsWith("st") && !name.StartsWith("b") && !name.StartsWith("red");
            int end = !writes ? 0 : operands.StartsWith('{') ? operands.IndexOf('}') : operands.Contains(',') ? operands.IndexOf(',')
                : operands.Length;
            string[] from = [.. Registers(step.Groups["guard"].Value + " " + operands[end..]).Select(r =>
                addresses.GetValueOrDefault(r, r))];
            var to = Registers(operands[..end]);
            foreach (string register in to.Where(r => r.StartsWith("%rd"))) addresses[register] = $"{register}@{step.Index}";
            yield return (name, [.. to.Select(r => addresses.GetValueOrDefault(r, r))], from, step.Value.Trim());
        }
    }

    private static string[] Registers(string text) => [.. RegisterRegex().Matches(text).Select(m => m.Value)];

    [GeneratedRegex(@"^[ \t]*(?:@!?(?<guard>%\w+)\s+)?(?<name>[a-z][\w.]*)[ \t]+(?<operands>[^;\r\n]*);", RegexOptions.Multiline)]
    private static partial Regex StepRegex();

    [GeneratedRegex(@"%\w+(\.[xyz])?")]
    private static partial Regex RegisterRegex();
}

public class PtxBranchesTests
{
    [Theory]
    [InlineData("mov.b32 %r1, %tid.x;\n setp.lt.s32 %p1, %r1, %r2;\n @%p1 bra.uni L_1;", true)]
    [InlineData("mov.b32 %r1, %tid.x;\n setp.lt.s32 %p1, %r1, %r2;\n @%p1 bra L_1;", false)]
    [InlineData("mov.b32 %r1, %ctaid.x;\n setp.lt.s32 %p1, %r1, %r2;\n @!%p1 bra.uni L_1;", false)]
    [InlineData("L_0:\n setp.eq.f32 %p1, %f1, 0f00000000;\n @%p1 bra.uni L_1;\n ld.global.v2.f32 {%f2, %f1}, [%rd1];\n cvt.u64.u32 %rd1, "
        + "%r1;\n mov.b32 %r1, %tid.y;\n bra.uni L_0;", false)]
    [InlineData("mov.b32 %r1, %tid.y;\n L_0:\n setp.eq.f32 %p1, %f1, 0f00000000;\n @%p1 bra.uni L_1;\n cvt.u64.u32 %rd1, "
        + "%r1;\n ld.global.v2.f32 {%f2, %f1}, [%rd1];\n bra.uni L_0;", true)]
    [InlineData("mov.b32 %r1, %tid.x;\n cvt.u64.u32 %rd1, %r1;\n st.global.f32 [%rd1], %f1;\n mov.b64 %rd1, %rd2;\n ld.global.f32 %f1, "
        + "[%rd1];\n setp.eq.f32 %p1, %f1, 0f00000000;\n @%p1 bra.uni L_1;", false)]
    public void Sees_a_branch_that_the_lanes_take_differently(string ptx, bool wrong) =>
        Assert.Equal(wrong, PtxBranches.WronglyUniform(ptx).Any());
}
