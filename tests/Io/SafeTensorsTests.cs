using System.Buffers.Binary;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests;

public class SafeTensorsTests
{
    private static readonly float[] OddFloats =
        [0f, -0f, 1f, float.NaN, BitConverter.Int32BitsToSingle(0x7fc01234), float.PositiveInfinity, float.NegativeInfinity, float.Epsilon,
            float.MaxValue];

    [Theory]
    [InlineData]
    [InlineData(0L)]
    [InlineData(1L)]
    [InlineData(17L)]
    [InlineData(3L, 0L, 5L)]
    [InlineData(2L, 3L, 5L, 7L)]
    [InlineData(1L, 1L, 1L, 1L, 1L, 2L)]
    [InlineData(131L, 1009L)] // longer than one piece
    public void Tensors_come_back_bit_for_bit(params long[] sizes)
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(1);
        var shape = new Shape(sizes);
        var values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++) values[i] = i % 11 < OddFloats.Length ? OddFloats[i % 11] : i * 0.37f;
        using var x = Tensor.From<float>(values, shape, device);
        var writer = new SafeTensorsWriter { Metadata = { ["note"] = "naïve \"quoted\"\n✓" } };
        writer.Add("x", x);
        writer.Add<int>("ids", new[] { -1, int.MaxValue }, 2);
        writer.Save(folder.File("a.safetensors"));

        using var reader = SafeTensorsReader.Open(folder.File("a.safetensors"));
        using var y = Tensor.Zeros(shape, device);
        reader.ReadInto("x", y);
        Assert.Equal(values.Select(BitConverter.SingleToInt32Bits), y.ToArray().Select(BitConverter.SingleToInt32Bits));
        Assert.Equal(values.Select(BitConverter.SingleToInt32Bits), reader.Read<float>("x").Select(BitConverter.SingleToInt32Bits));
        Assert.Equal([-1, int.MaxValue], reader.Read<int>("ids"));
        Assert.Equal("naïve \"quoted\"\n✓", reader.Metadata["note"]);
    }

    [Fact]
    public void Any_set_of_tensors_round_trips()
    {
        var name = Gen.Elements("a", "blocks.0.weight", "é", "漢字", "with space", "\"", "\\", "emoji 🙂", "").Select(s => s);
        var item = from n in name from rank in Gen.Choose(0, 3) from sizes in Gen.ArrayOf(Gen.Choose(0, 5), rank) from kind in Gen.Choose(0,
            3) select (Name: n, Sizes: sizes, Kind: kind);
        using var folder = new TemporaryFolder();
        Prop.ForAll(item.ArrayOf().ToArbitrary(), items => RoundTrips(folder.File("p.safetensors"), [.. items.DistinctBy(i => i.Name)]))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    private static void RoundTrips(string path, (string Name, int[] Sizes, int Kind)[] items)
    {
        var writer = new SafeTensorsWriter();
        foreach (var (name, sizes, kind) in items) AddValues(writer, name, new Shape([.. sizes.Select(s => (long)s)]), kind);
        using (var stream = File.Create(path)) writer.WriteTo(stream);
        Assert.Equal(0, (BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(path)) + 8) % 8);

        using var reader = SafeTensorsReader.Open(path);
        Assert.Equal(items.Select(i => i.Name).Order(), reader.Entries.Keys.Order());
        foreach (var (name, sizes, kind) in items)
        {
            Assert.Equal(sizes.Select(s => (long)s), reader.Entry(name).Sizes);
            double[] values = kind switch
            {
                0 => [.. reader.Read<float>(name).Select(v => (double)v)],
                1 => reader.Read<double>(name),
                2 => [.. reader.Read<int>(name).Select(v => (double)v)],
                _ => [.. reader.Read<byte>(name).Select(v => (double)v)],
            };
            Assert.Equal(Enumerable.Range(0, values.Length).Select(i => (double)(i + kind)), values);
        }
    }

    private static void AddValues(SafeTensorsWriter writer, string name, Shape shape, int kind)
    {
        var values = Enumerable.Range(kind, (int)shape.Count).ToArray();
        if (kind == 0) writer.Add<float>(name, Array.ConvertAll(values, v => (float)v), shape);
        else if (kind == 1) writer.Add<double>(name, Array.ConvertAll(values, v => (double)v), shape);
        else if (kind == 2) writer.Add<int>(name, values, shape);
        else writer.Add<byte>(name, Array.ConvertAll(values, v => (byte)v), shape);
    }

    [Fact]
    public void Strided_views_are_written_and_read_in_row_major_order()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(1);
        using var x = Tensor.From<float>([1, 2, 3, 4, 5, 6], (2, 3), device);
        using var turned = x.UnownedView(x.Layout.Transpose(0, 1)); // (3, 2)
        var writer = new SafeTensorsWriter();
        writer.Add("turned", turned);
        writer.Save(folder.File("a"));
        using var reader = SafeTensorsReader.Open(folder.File("a"));
        Assert.Equal([1, 4, 2, 5, 3, 6], reader.Read<float>("turned"));

        x.Fill(0);
        reader.ReadInto("turned", turned);
        Assert.Equal([1f, 2, 3, 4, 5, 6], x.ToArray());
    }

    [Fact]
    public void Half_precision_types_widen_exactly()
    {
        using var folder = new TemporaryFolder();
        var halves = new[] { (Half)1.5, Half.MaxValue, Half.Epsilon, Half.NegativeInfinity, Half.NaN };
        byte[] brain = [0x80, 0x3F, 0x49, 0x40, 0x80, 0xFF]; // 1, 3.140625, -infinity
        string json = """{"h":{"dtype":"F16","shape":[5],"data_offsets":[0,10]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[10,16]}}""";
        File.WriteAllBytes(folder.File("a"), Raw(json, [.. System.Runtime.InteropServices.MemoryMarshal.AsBytes<Half>(halves), .. brain]));
        using var reader = SafeTensorsReader.Open(folder.File("a"));
        Assert.Equal(halves.Select(h => (float)h), reader.Read<float>("h"));
        Assert.Equal([1, 3.140625, double.NegativeInfinity], reader.Read<double>("b"));
        using var x = Tensor.Zeros(3, Device.Reference);
        reader.ReadInto("b", x);
        Assert.Equal([1, 3.140625, double.NegativeInfinity], x.ToArray<double>());
    }

    [Theory]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":"""
            + """{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        8, "overlaps")]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":"""
            + """{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""",
        12, "hole")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "hole")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", 8, "cut short")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "the file holds 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "needs 12")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "backwards")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "-2")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,8]}}""", 8, "1.5")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}""", 8, "64 bits")]
    [InlineData("""{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}""", 8, "F33")]
    [InlineData("""{"a":{"shape":[2],"data_offsets":[0,8]}}""", 8, "dtype")]
    [InlineData("""{"a":{"dtype":"F32","data_offsets":[0,8]}}""", 8, "shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}""", 8, "twice")]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":"""
            + """{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        8, "twice")]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":"""
            + """{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        8, "twice")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "not a string")]
    [InlineData("""[]""", 0, "object")]
    [InlineData("""{"a":3}""", 0, "object")]
    [InlineData("""{"\ud800":3}""", 0, "JSON")]
    [InlineData(""" {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "first byte")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}{}""", 8, "JSON")]
    [InlineData("""{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,8]}}""", 8, "no whole number of bytes")]
    [InlineData("""{"__metadata__":null,"__metadata__":{}}""", 0, "twice")]
    [InlineData("""{"a":""", 0, "JSON")]
    [InlineData("", 0, "JSON")]
    public void Bad_headers_are_named(string json, int dataBytes, string word)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("bad.safetensors"), Raw(json, new byte[dataBytes]));
        AssertNamed(folder.File("bad.safetensors"), word);
    }

    [Theory]
    [InlineData(new byte[] { }, "8 bytes")]
    [InlineData(new byte[] { 1, 0, 0 }, "8 bytes")]
    [InlineData(new byte[] { 9, 0, 0, 0, 0, 0, 0, 0, 123, 125 }, "cut short")]
    [InlineData(new byte[] { 0, 225, 245, 6, 0, 0, 0, 0, 123, 125 }, "at most 100,000,000")] // 116,777,216
    [InlineData(new byte[] { 2, 0, 0, 0, 0, 0, 0, 128, 123, 125 }, "at most 100,000,000")]
    [InlineData(new byte[] { 2, 0, 0, 0, 0, 0, 0, 0, 0xC3, 125 }, "UTF-8")]
    public void Bad_lengths_are_named(byte[] bytes, string word)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("bad.safetensors"), bytes);
        AssertNamed(folder.File("bad.safetensors"), word);
    }

    [Fact]
    public void A_mismatch_names_file_tensor_and_both_shapes()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(1);
        using var wrong = Tensor.Zeros((3, 2), device);
        var writer = new SafeTensorsWriter();
        writer.Add<float>("w", new float[6], (2, 3));
        writer.Add<int>("i", new int[6], (3, 2));
        writer.Save(folder.File("a"));
        using var reader = SafeTensorsReader.Open(folder.File("a"));
        Assert.Equal($"{folder.File("a")}: w: the file has shape (2, 3), (3, 2) is needed.", Assert.Throws<BadFileException>(() =>
            reader.ReadInto("w", wrong)).Message);
        Assert.Contains("I32", Assert.Throws<BadFileException>(() => reader.ReadInto("i", wrong)).Message);
        Assert.Equal("v", Assert.Throws<BadFileException>(() => reader.ReadInto("v", wrong)).Field);
    }

    /// <summary>What the reference library opens is opened: a type that no tensor here has matters when that tensor is read.</summary>
    [Theory]
    [InlineData("""{"__metadata__":null,""")]
    [InlineData("""{"x":{"dtype":"BOOL","shape":[8],"data_offsets":[8,16]},""")]
    [InlineData("""{"x":{"dtype":"U8","shape":[8],"data_offsets":[8,16]},""")]
    [InlineData("""{"x":{"dtype":"I8","shape":[2,4],"data_offsets":[8,16]},""")]
    [InlineData("""{"x":{"dtype":"I16","shape":[4],"data_offsets":[8,16]},""")]
    [InlineData("""{"x":{"dtype":"U16","shape":[4],"data_offsets":[8,16]},""")]
    [InlineData("""{"x":{"dtype":"U32","shape":[2],"data_offsets":[8,16]},""")]
    [InlineData("""{"x":{"dtype":"U64","shape":[],"data_offsets":[8,16]},""")]
    [InlineData("""{"x":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},""")]
    [InlineData("""{"x":{"dtype":"F8_E5M2","shape":[8],"data_offsets":[8,16]},""")]
    [InlineData("""{"x":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[8,16]},""")]
    [InlineData("""{"x":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[8,11]},"y":{"dtype":"F4","shape":[10],"data_offsets":[11,16]},""")]
    [InlineData("""{"x":{"dtype":"C64","shape":[1],"data_offsets":[8,16],"more":{"a":[1]}},""")]
    public void What_the_reference_opens_is_opened(string before)
    {
        using var folder = new TemporaryFolder();
        string json = before + "\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}   ";
        File.WriteAllBytes(folder.File("a"), Raw(json, [.. BitConverter.GetBytes(1f), .. BitConverter.GetBytes(2f), .. new byte[
            before.Contains("null") ? 0 : 8]]));
        using var reader = SafeTensorsReader.Open(folder.File("a"));
        Assert.Equal([1, 2], reader.Read<float>("w"));
        foreach (string name in reader.Entries.Keys.Where(name => name != "w"))
            Assert.Contains(reader.Entry(name).Type, Assert.Throws<BadFileException>(() => reader.Read<float>(name)).Message);
    }

    [Fact]
    public void Whole_numbers_of_every_size_come_back()
    {
        using var folder = new TemporaryFolder();
        var writer = new SafeTensorsWriter();
        writer.Add<sbyte>("i8", new sbyte[] { -128, 127 }, 2);
        writer.Add<short>("i16", new short[] { short.MinValue, 7 }, 2);
        writer.Add<ushort>("u16", new ushort[] { ushort.MaxValue, 7 }, 2);
        writer.Add<uint>("u32", new[] { uint.MaxValue, 7u }, 2);
        writer.Add<ulong>("u64", new[] { ulong.MaxValue, 7ul }, 2);
        writer.Save(folder.File("a"));
        using var reader = SafeTensorsReader.Open(folder.File("a"));
        Assert.Equal([-128, 127], reader.Read<sbyte>("i8"));
        Assert.Equal([short.MinValue, 7], reader.Read<short>("i16"));
        Assert.Equal([ushort.MaxValue, 7], reader.Read<ushort>("u16"));
        Assert.Equal([uint.MaxValue, 7u], reader.Read<uint>("u32"));
        Assert.Equal([ulong.MaxValue, 7ul], reader.Read<ulong>("u64"));
    }

    /// <summary>A million numbers in a shape take memory in proportion to the file, not to what a document tree of them would.</summary>
    [Fact]
    public void A_header_takes_memory_in_proportion_to_its_length()
    {
        using var folder = new TemporaryFolder();
        string sizes = string.Concat(Enumerable.Repeat("1,", 1_000_000));
        string json = "{\"w\":{\"dtype\":\"F32\",\"shape\":[" + sizes + "1],\"data_offsets\":[0,8]}}";
        File.WriteAllBytes(folder.File("a"), Raw(json, new byte[8]));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<BadFileException>(() => SafeTensorsReader.Open(folder.File("a")));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16L * json.Length + (1 << 20));
    }

    [Fact]
    public void Halves_of_surrogate_pairs_are_refused_before_anything_is_written()
    {
        var writer = new SafeTensorsWriter { Metadata = { ["a"] = "b\udc00" } };
        Assert.Contains("half a surrogate pair", Assert.Throws<ArgumentException>(() => writer.WriteTo(Stream.Null)).Message);
        foreach (string name in new[] { "\ud800", "a\udc00", "\ud83d\ud83d\ude42" })
            Assert.Contains("half a surrogate pair", Assert.Throws<ArgumentException>(() =>
                writer.Add<float>(name, new float[1], 1)).Message);
        writer.Add<float>("\ud83d\ude42", new float[1], 1);
    }

    [Fact]
    public void Names_are_given_once()
    {
        var writer = new SafeTensorsWriter();
        writer.Add<float>("w", new float[1], 1);
        Assert.Throws<ArgumentException>(() => writer.Add<float>("w", new float[1], 1));
        Assert.Throws<ArgumentException>(() => writer.Add<float>("__metadata__", new float[1], 1));
        Assert.Throws<ArgumentException>(() => writer.Add<float>("v", new float[2], 1));
    }

    [Fact]
    public void Damaged_files_end_in_the_named_error_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("fuzz.safetensors");
        var writer = new SafeTensorsWriter { Metadata = { ["step"] = "12" } };
        writer.Add<float>("a.weight", new float[6], (2, 3));
        writer.Add<double>("é", new double[2], 2);
        writer.Add<int>("ids", new int[3], 3);
        using var whole = new MemoryStream();
        writer.WriteTo(whole);
        int named = 0;
        for (int seed = 0; seed < 600; seed++)
        {
            File.WriteAllBytes(path, Mutate(whole.ToArray(), new System.Random(seed)));
            if (!Survives(path)) named++;
        }

        Assert.InRange(named, 200, 599);
    }

    /// <summary>True where the damage did not show; any other exception than the named one fails the test.</summary>
    private static bool Survives(string path)
    {
        try
        {
            using var reader = SafeTensorsReader.Open(path);
            foreach (var (name, entry) in reader.Entries)
                if (entry.Type == "F32") reader.Read<float>(name);
            return true;
        }
        catch (BadFileException e)
        {
            Assert.DoesNotContain(e.Message, char.IsControl);
            return false;
        }
    }

    private static byte[] Mutate(byte[] bytes, System.Random random)
    {
        int header = BinaryPrimitives.ReadInt32LittleEndian(bytes) + 8;
        for (int n = random.Next(1, 4); n > 0; n--) bytes[random.Next(header)] ^= (byte)(1 << random.Next(8));
        return random.Next(4) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }

    private static byte[] Raw(string json, byte[] data)
    {
        var header = Encoding.UTF8.GetBytes(json);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        return [.. length, .. header, .. data];
    }

    private static void AssertNamed(string path, string word)
    {
        var error = Assert.Throws<BadFileException>(() => SafeTensorsReader.Open(path).Dispose());
        Assert.StartsWith(path + ": ", error.Message);
        Assert.Contains(word, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }
}
