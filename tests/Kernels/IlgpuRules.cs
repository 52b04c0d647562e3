using System.Reflection;
using System.Reflection.Emit;

namespace Mayfly.Tests;

/// <summary>
/// Reads the IL of a kernel and of all it calls, resolving interface calls on structs as ILGPU does, and names what ILGPU's compiler
/// refuses.
/// </summary>
internal sealed class IlgpuRules
{
    private static readonly Dictionary<short, OpCode> opcodes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(o => o.Value);

    private static readonly HashSet<OpCode> refused =
    [
        OpCodes.Throw, OpCodes.Rethrow, OpCodes.Box, OpCodes.Unbox, OpCodes.Unbox_Any, OpCodes.Castclass, OpCodes.Isinst, OpCodes.Ldstr,
        OpCodes.Ldftn, OpCodes.Ldvirtftn, OpCodes.Calli, OpCodes.Stsfld, OpCodes.Localloc,
    ];

    private readonly HashSet<MethodBase> seen = [];
    private readonly List<string> faults = [];

    /// <summary>The faults of a method with all type arguments given, and of its callees; empty if ILGPU takes it.</summary>
    public static IReadOnlyList<string> Check(MethodBase kernel)
    {
        var rules = new IlgpuRules();
        rules.Visit(kernel);
        return rules.faults;
    }

    private void Visit(MethodBase method)
    {
        if (!seen.Add(method)) return;
        if (method.GetMethodBody() is not { } body)
        {
            Fault(method, "has no IL");
            return;
        }

        if (body.ExceptionHandlingClauses.Count > 0) Fault(method, "has a try block");
        Walk(method, body.GetILAsByteArray()!);
    }

    private void Walk(MethodBase method, byte[] il)
    {
        Type? constrained = null;
        for (int at = 0; at < il.Length;)
        {
            short code = il[at++];
            if (code == 0xFE) code = (short)(0xFE00 | il[at++]);
            var op = opcodes[code];
            int operand = at;
            at += Size(op, il, at);
            if (refused.Contains(op)) Fault(method, $"uses {op.Name}");
            if (op == OpCodes.Constrained)
                constrained = method.Module.ResolveType(Token(il, operand), TypeArguments(method), MethodArguments(method));
            else if (op.OperandType == OperandType.InlineMethod) Call(method, op, Resolve(method, Token(il, operand)), constrained);
            else if (op == OpCodes.Ldsfld || op == OpCodes.Ldsflda) Static(method, Token(il, operand));
            if (op != OpCodes.Constrained) constrained = null;
        }
    }

    private void Call(MethodBase caller, OpCode op, MethodBase callee, Type? constrained)
    {
        string name = $"{callee.DeclaringType!.Name}.{callee.Name}";
        bool onClass = !callee.DeclaringType.IsValueType;
        if (op == OpCodes.Newobj && onClass) Fault(caller, $"makes an object: {name}");
        else if (callee.IsVirtual && onClass && constrained is null) Fault(caller, $"calls the virtual {name}");
        else if (constrained is not null && callee.IsVirtual) Visit(Target((MethodInfo)callee, constrained));
        else if (callee.DeclaringType.Namespace!.StartsWith("ILGPU")) return;
        else if (callee.DeclaringType.Namespace.StartsWith("Mayfly")) Visit(callee);
        else Fault(caller, $"calls {name} of the run-time library");
    }

    /// <summary>What a constrained call reaches: the struct's own method, or the interface's default.</summary>
    private static MethodInfo Target(MethodInfo declared, Type constrained)
    {
        var definition = declared.IsGenericMethod ? declared.GetGenericMethodDefinition() : declared;
        var map = constrained.GetInterfaceMap(declared.DeclaringType!);
        var target = map.TargetMethods[Array.IndexOf(map.InterfaceMethods, definition)];
        return declared.IsGenericMethod ? target.MakeGenericMethod(declared.GetGenericArguments()) : target;
    }

    private void Static(MethodBase method, int token)
    {
        var field = method.Module.ResolveField(token, TypeArguments(method), MethodArguments(method))!;
        if (!field.IsInitOnly) Fault(method, $"reads the variable {field.DeclaringType!.Name}.{field.Name}");
    }

    private void Fault(MethodBase method, string what) => faults.Add($"{method.DeclaringType!.Name}.{method.Name} {what}");

    private static MethodBase Resolve(MethodBase method, int token) =>
        method.Module.ResolveMethod(token, TypeArguments(method), MethodArguments(method))!;

    private static Type[]? TypeArguments(MethodBase method) =>
        method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;

    private static Type[]? MethodArguments(MethodBase method) => method.IsGenericMethod ? method.GetGenericArguments() : null;

    private static int Token(byte[] il, int at) => BitConverter.ToInt32(il, at);

    private static int Size(OpCode op, byte[] il, int at) => op.OperandType switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(il, at),
        _ => 4,
    };
}
