namespace Mayfly;

public static partial class TensorOps
{
    extension(Tensor)
    {
        /// <summary>
        /// Einstein's summation: "bij,bjk->bik" multiplies the elements that agree in their letters and sums over the letters that are not
        /// in the result. A letter is an axis; without an arrow the result has those that occur once, in the order of the alphabet. The
        /// operands are taken from left to right, two at a time, each pair by one batched matrix product.
        /// </summary>
        /// <remarks>Backward: as of the transposes, sums and products that it is made of.</remarks>
        /// <param name="equation">Letters of each operand, with commas between them, and those of the result behind an arrow.</param>
        /// <param name="operands">As many as the equation names.</param>
        /// <exception cref="ArgumentException">
        /// The equation does not fit the operands, names an axis of one operand twice (a diagonal), or has an ellipsis.
        /// </exception>
        public static Tensor Einsum(string equation, params ReadOnlySpan<Tensor> operands)
        {
            if (operands.Length == 0) throw new ArgumentException("Einsum: no tensors; give at least one.");
            var plan = EinsumPlan.Parse(equation, operands);
            var (tensor, letters) = (operands[0], plan.Inputs[0]);
            for (int k = 1; k < operands.Length; k++)
            {
                string later = string.Concat(plan.Inputs.Skip(k + 1)) + plan.Output;
                (tensor, letters) = EinsumPlan.Multiply(
                    EinsumPlan.Reduce(tensor, letters, plan.Inputs[k] + later),
                    EinsumPlan.Reduce(operands[k], plan.Inputs[k], letters + later), later);
            }

            return EinsumPlan.Arrange(EinsumPlan.Reduce(tensor, letters, plan.Output), plan.Output);
        }
    }
}

/// <summary>A tensor whose axes have letters.</summary>
internal readonly record struct Lettered(Tensor Tensor, string Letters)
{
    /// <summary>The size of a letter's axis.</summary>
    public long this[char letter] => Tensor.Shape[Letters.IndexOf(letter, StringComparison.Ordinal)];
}

/// <summary>What an equation says: the letters of each operand and of the result.</summary>
internal sealed record EinsumPlan(string[] Inputs, string Output)
{
    /// <summary>Reads an equation and compares it with its operands.</summary>
    public static EinsumPlan Parse(string equation, ReadOnlySpan<Tensor> operands)
    {
        string text = equation.Replace(" ", "", StringComparison.Ordinal);
        int arrow = text.IndexOf("->", StringComparison.Ordinal);
        string[] inputs = (arrow < 0 ? text : text[..arrow]).Split(',');
        string output = arrow < 0 ? Once(string.Concat(inputs)) : text[(arrow + 2)..];
        if (inputs.Length != operands.Length)
            throw Error(equation, $"names {inputs.Length} operands, and {operands.Length} were given");
        var sizes = new Dictionary<char, long>();
        for (int k = 0; k < inputs.Length; k++) Note(equation, inputs[k], operands[k], sizes);
        foreach (char letter in output)
            if (!sizes.ContainsKey(letter)) throw Error(equation, $"has '{letter}' in the result, but in no operand");
        if (output.Distinct().Count() != output.Length) throw Error(equation, "has a letter twice in the result");
        return new EinsumPlan(inputs, output);
    }

    /// <summary>The operand summed over the letters that nobody wants.</summary>
    public static Lettered Reduce(Tensor tensor, string letters, string wanted)
    {
        int[] gone = [.. Enumerable.Range(0, letters.Length).Where(i => !wanted.Contains(letters[i], StringComparison.Ordinal))];
        return gone.Length == 0 ? new(tensor, letters) : new(tensor.Sum(gone), string.Concat(letters.Where(wanted.Contains)));
    }

    /// <summary>The product of two operands; letters of both that nobody wants later are summed over.</summary>
    public static Lettered Multiply(Lettered a, Lettered b, string later)
    {
        string both = string.Concat(a.Letters.Where(b.Letters.Contains));
        string batch = string.Concat(both.Where(later.Contains)), inner = string.Concat(both.Where(c => !later.Contains(c)));
        string left = string.Concat(a.Letters.Where(c => !both.Contains(c)));
        string right = string.Concat(b.Letters.Where(c => !both.Contains(c)));
        var x = Matrices(a, batch, left, inner); // (batch, left, inner)
        var z = Matrices(b, batch, inner, right); // (batch, inner, right)
        string letters = batch + left + right;
        var shape = new Shape([.. letters.Select(c => a.Letters.Contains(c, StringComparison.Ordinal) ? a[c] : b[c])]);
        return new(x.MatMul(z).Reshape(shape), letters);
    }

    /// <summary>The operand with its axes in the order of the letters.</summary>
    public static Tensor Arrange(Lettered x, string letters) => letters == x.Letters
        ? x.Tensor
        : x.Tensor.Permute([.. letters.Select(c => x.Letters.IndexOf(c, StringComparison.Ordinal))]);

    private static Tensor Matrices(Lettered x, string batch, string rows, string columns)
    {
        var turned = Arrange(x, batch + rows + columns);
        return turned.Reshape((Size(x, batch), Size(x, rows), Size(x, columns)));
    }

    private static long Size(Lettered x, string letters)
    {
        long size = 1;
        foreach (char letter in letters) size *= x[letter];
        return size;
    }

    private static string Once(string letters) =>
        string.Concat(letters.GroupBy(c => c).Where(g => g.Count() == 1).Select(g => g.Key).Order());

    private static void Note(string equation, string letters, Tensor operand, Dictionary<char, long> sizes)
    {
        foreach (char letter in letters)
            if (!char.IsAsciiLetter(letter)) throw Error(equation, $"has '{letter}', where letters are axes; an ellipsis is not taken");
        if (letters.Distinct().Count() != letters.Length)
            throw Error(equation, $"names an axis of '{letters}' twice: diagonals are not taken, multiply by a mask and sum");
        if (letters.Length != operand.Rank) throw Error(equation, $"names {letters.Length} axes '{letters}' of a tensor {operand.Shape}");
        for (int i = 0; i < letters.Length; i++)
            if (!sizes.TryAdd(letters[i], operand.Shape[i]) && sizes[letters[i]] != operand.Shape[i])
                throw Error(equation, $"has '{letters[i]}' for axes of {sizes[letters[i]]} and {operand.Shape[i]} elements");
    }

    private static ArgumentException Error(string equation, string what) => new($"Einsum: '{equation}' {what}.");
}
