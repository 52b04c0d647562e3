using System.Xml.Linq;
using TrainGpt;

namespace Mayfly.Tests;

public class SdkDocsTests
{
    private const string Sample = """
        <?xml version="1.0" encoding="utf-8"?>
        <doc><assembly><name>Sample</name></assembly><members>
          <member name="T:System.Box`1"><summary>Holds a <see cref="T:System.Collections.Generic.IDictionary`2" />
              of &lt;things&gt; – “naïve”…</summary><typeparam name="TItem">The kind.</typeparam></member>
          <member name="M:System.Box`1.Take``1(`0,System.Func{`0,``0[]},System.Int32@)">
            <param name="item">The item.</param><param name="map">A <see langword="null" /> or <paramref name="item" />.</param>
            <param name="n">A count.</param><typeparam name="TResult">What comes out.</typeparam>
            <summary><para>Takes.</para><para>Then <c>maps</c>.</para></summary>
            <exception cref="T:System.ArgumentException">It is <see langword="null" />.</exception>
            <returns>The <see cref="P:System.Box`1.Size" />.</returns>
          </member>
          <member name="M:System.Box`1.#ctor"><summary>Makes.</summary></member>
          <member name="M:System.Box`1.System#IConvertible#ToInt32(System.IFormatProvider)"><summary>Converts.</summary></member>
          <member name="F:System.Box`1.Silent"><summary> </summary></member>
        </members></doc>
        """;

    [Fact]
    public void Members_become_plain_text()
    {
        using var folder = new TemporaryFolder();
        folder.Write("Sample.xml", Sample);
        Assert.Equal("""
            type Box<TItem>
            Holds a IDictionary<T1, T2> of <things> - "na?ve"...
            TItem: The kind.

            method Box<TItem>.Take<TResult>(TItem item, Func<TItem, TResult[]> map, int n)
            Takes.
            Then maps.
            TResult: What comes out.
            item: The item.
            map: A null or item.
            n: A count.
            Returns: The Box<T>.Size.
            Throws ArgumentException: It is null.

            method new Box<TItem>()
            Makes.

            method Box<TItem>.ToInt32(IFormatProvider)
            Converts.


            """.ReplaceLineEndings("\n"), SdkDocs.Read(folder.Path));
    }

    [Theory]
    [InlineData("T:System.Collections.Generic.List`1", "List<T>")]
    [InlineData("M:System.String.Join(System.String,System.Object[])", "String.Join")]
    [InlineData("Overload:System.String.Join", "String.Join")]
    [InlineData("F:System.Int32.MaxValue", "Int32.MaxValue")]
    [InlineData("N:System.Linq", "System.Linq")]
    [InlineData("", "")]
    [InlineData("!:Odd", "Odd")]
    public void References_have_short_names(string id, string name) => Assert.Equal(name, DocId.Short(id));

    [Theory]
    [InlineData("M:A.B.op_Explicit(System.Decimal)~System.Int128", "method B.operator Explicit(decimal)")]
    [InlineData("M:A.B.Fill(System.Int32[0:,0:],System.Byte*)", "method B.Fill(int[,], byte*)")]
    [InlineData("M:A.B.Walk(System.Collections.Generic.Dictionary{`0,``1}.Enumerator)", "method B.Walk(Dictionary<T0, T1>.Enumerator)")]
    [InlineData("P:A.B.Item(System.Int32)", "property B.Item(int)")]
    [InlineData("E:A.B.Changed", "event B.Changed")]
    [InlineData("N:A", "namespace A")]
    [InlineData("M:(", "method ")]
    [InlineData("x", "x")]
    public void Ids_are_read(string id, string signature) =>
        Assert.Equal(signature, new DocId().Signature(new XElement("member", new XAttribute("name", id))));

    [Fact]
    public void The_limit_cuts_between_members()
    {
        using var folder = new TemporaryFolder();
        folder.Write("Sample.xml", Sample);
        string whole = SdkDocs.Read(folder.Path);
        string cut = SdkDocs.Read(folder.Path, whole.Length - 1);
        Assert.Equal(whole[..whole.LastIndexOf("method Box<TItem>.ToInt32", StringComparison.Ordinal)], cut);
        Assert.Throws<InputException>(() => SdkDocs.Read(folder.Path, 5));
    }

    [Fact]
    public void Preferred_files_come_first_and_the_newest_pack_is_taken()
    {
        using var folder = new TemporaryFolder();
        foreach (string version in new[] { "9.0.10", "10.0.2", "10.0.10", "11.0.0-preview.1", "odd" })
            foreach (string file in new[] { "A", "System.Runtime", "System.Linq" })
                folder.Write(
                    $"packs/Microsoft.NETCore.App.Ref/{version}/ref/net1/{file}.xml",
                    $"""<doc><members><member name="N:{file}"><summary>{version}</summary></member></members></doc>""");
        string newest = SdkDocs.NewestPack(folder.Path)!;
        Assert.Equal("namespace System.Linq\n11.0.0-preview.1\n\nnamespace System.Runtime\n11.0.0-preview.1\n\nnamespace "
            + "A\n11.0.0-preview.1\n\n", SdkDocs.Read(newest));
        Assert.Null(SdkDocs.NewestPack(folder.File("nothing")));
    }

    [Fact]
    public void Damaged_xml_is_named()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.xml", Sample[..^10]);
        Assert.Equal("XML", Assert.Throws<BadFileException>(() => SdkDocs.Read(folder.Path)).Field);
        Assert.Throws<InputException>(() => SdkDocs.Read(folder.File("missing")));
    }

    [Fact]
    public void Sources_take_the_place_of_a_missing_pack()
    {
        using var folder = new TemporaryFolder();
        folder.Write("b.md", "# Title\nç");
        folder.Write("a/x.cs", "class X;\n");
        folder.Write("a/obj/y.cs", "class Y;");
        folder.Write("z.txt", "no");
        Assert.Equal("class X;\n# Title\n?\n", SdkDocs.ReadSources(folder.Path, int.MaxValue, default));
        Assert.Equal("class X;\n", SdkDocs.ReadSources(folder.Path, 12, default));
    }

    [Fact]
    public void This_machines_sdk_gives_a_small_vocabulary()
    {
        if (SdkDocs.FindFolder() is not { } folder) return; // a runtime without an SDK cannot build these tests, but can run them
        string text = SdkDocs.Read(folder, 1_500_000);
        Assert.InRange(text.Length, 1_000_000, 1_500_000);
        Assert.InRange(new CharTokenizer(text).VocabularySize, 60, 96);
        Assert.Contains("method Enumerable.First<TSource>(IEnumerable<TSource> source)\nReturns the first element of a sequence.\n", text);
        Assert.Equal(text, SdkDocs.Read(folder, 1_500_000));
    }
}
