namespace Mayfly.Tests;

public class TextSourceTests
{
    [Fact]
    public void A_folder_is_read_in_ordinal_order()
    {
        using var folder = new TemporaryFolder();
        folder.Write("b.txt", "second\n");
        folder.Write("a/z.txt", "first");
        folder.Write("é.txt", "third");
        folder.Write("C.txt", "zeroth\n");
        folder.Write(".git/x", "hidden");
        File.WriteAllBytes(folder.File("image.bin"), [0xFF, 0xFE, 0]);
        folder.Write("nul.bin", "a\0b");
        Assert.Equal("zeroth\nfirst\nsecond\nthird\n", TextSource.Read(folder.Path));
    }

    [Fact]
    public void A_file_is_read_as_it_is_but_for_a_byte_order_mark()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal("a\r\né", TextSource.Read(folder.Write("a.txt", "\uFEFFa\r\né")));
    }

    [Fact]
    public void What_cannot_be_read_is_said_in_one_line()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("latin1.txt"), [65, 0xE9, 66]);
        AssertSays("There is no file or folder", folder.File("missing"));
        AssertSays("is empty", folder.Write("empty.txt", ""));
        AssertSays("is not UTF-8: byte 1 is 0xE9, as in Latin-1 or Windows-1252; convert it first", folder.File("latin1.txt"));
        Directory.CreateDirectory(folder.File("none"));
        AssertSays("holds no text", folder.File("none"));
    }

    private static void AssertSays(string words, string path)
    {
        string message = Assert.ThrowsAny<InputException>(() => TextSource.Read(path)).Message;
        Assert.Contains(words, message);
        Assert.Contains(path, message);
        Assert.DoesNotContain('\n', message);
    }
}
