using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Mayfly.Tests;

/// <summary>What is read and written as data, and what a folder's owner keeps out.</summary>
public class FilesTests
{
    private const string OnLinux = "The test makes its files by Linux's mknod and links.";

    private const string Partial = "a.txt.0123456789abcdef.partial";

    [Theory]
    [InlineData("pipe")]
    [InlineData("folder")]
    [InlineData("device")]
    [InlineData("socket")]
    public void Only_regular_files_are_read_and_replaced(string kind)
    {
        Assert.SkipWhen(!OperatingSystem.IsLinux(), OnLinux);
        using var folder = new TemporaryFolder();
        string path = Make(folder, kind);
        foreach (Action read in new Action[]
        {
            () => Files.OpenRead(path), () => Files.ReadBytes(path), () => TokenFile.Open(path), () => SafeTensorsReader.Open(path),
            () => JsonLines.ReadTexts(path).ToList(), () => Tokenizer.Load(path),
        })
            Assert.StartsWith("Cannot read", Assert.Throws<InputException>(read).Message);
        Assert.Contains($"is a {kind}; name a file", Assert.Throws<InputException>(() => Files.Replace(path, _ => { })).Message);
        Assert.Equal(kind, Posix.Identity(path).Kind.ToString().ToLowerInvariant());
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_pipe_among_text_files_is_passed_over()
    {
        Assert.SkipWhen(!OperatingSystem.IsLinux(), OnLinux);
        using var folder = new TemporaryFolder();
        folder.Write("b.txt", "text");
        Make(folder, "pipe");
        Assert.Equal("text\n", TextSource.Read(folder.Path));
    }

    [Fact]
    public void A_link_is_read_through_and_not_written_through()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows lets only administrators make links.");
        using var folder = new TemporaryFolder();
        string foreign = folder.Write("foreign.txt", "foreign"), link = folder.File("link.txt");
        File.CreateSymbolicLink(link, foreign);
        Assert.Equal("foreign", Encoding.UTF8.GetString(Files.ReadBytes(link)));
        Files.Replace(link, stream => stream.Write("own"u8));
        Assert.Equal(("foreign", "own"), (File.ReadAllText(foreign), File.ReadAllText(link)));
        Assert.Null(new FileInfo(link).LinkTarget);
    }

    [Fact]
    public void What_dead_writers_left_is_cleared_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        string[] others = ["b.txt.0123456789abcdef.partial", "a.txt.partial", "a.txt.0123456789ABCDEF.partial", "my.partial"];
        foreach (string other in others) folder.Write(other, "");
        folder.Write(Partial, "half");
        Files.Replace(folder.File("a.txt"), stream => stream.Write("new"u8));
        Assert.Equal(others.Append("a.txt").Order(StringComparer.Ordinal), Names(folder));

        using (Disk.Current.Create(folder.File(Partial))) // a writer that is alive
            Files.Replace(folder.File("a.txt"), stream => stream.Write("newer"u8));
        Assert.Contains(Partial, Names(folder));
        Assert.Throws<IOException>(() => Disk.Current.Create(folder.File(Partial)));
    }

    /// <summary>fsync refuses a FIFO: so it was the system's own call, and its error counts.</summary>
    [Fact]
    public void An_error_of_fsync_is_an_error()
    {
        Assert.SkipWhen(!OperatingSystem.IsLinux(), OnLinux);
        using var folder = new TemporaryFolder();
        using var pipe = new FileStream(Make(folder, "pipe"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        Assert.Throws<IOException>(() => Disk.Current.Flush(pipe));
        Assert.Throws<FileNotFoundException>(() => Disk.Current.FlushFolder(folder.File("missing")));
        Disk.Current.FlushFolder(folder.Path);
    }

    [Fact]
    public void The_system_is_asked_in_order()
    {
        const string strace = "/usr/bin/strace";
        Assert.SkipWhen(!File.Exists(strace), $"There is no {strace} (Debian's package strace).");
        var (code, refusal) = Run(strace, "-o", "/dev/null", "true");
        Assert.SkipWhen(code != 0, $"The system lets nobody trace 'true': {refusal}");
        using var folder = new TemporaryFolder();
        string log = folder.File("calls"), host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        (code, string errors) = Run(strace, "-f", "-y", "-e", "trace=fsync,rename", "-o", log, host, "exec",
            typeof(FilesTests).Assembly.Location, "replace", folder.File("a.txt"));
        Assert.True(code == 0, errors);
        string[] calls = [.. File.ReadAllLines(log).Where(call => call.Contains(folder.Path, StringComparison.Ordinal))];
        Assert.Equal(3, calls.Length);
        Assert.Matches(@"fsync\(\d+<.*a\.txt\.[0-9a-f]{16}\.partial>\) += 0", calls[0]);
        Assert.Matches(@"rename\("".*partial"", "".*a\.txt""\) += 0", calls[1]);
        Assert.Matches($@"fsync\(\d+<{folder.Path}>\) += 0", calls[2]);
    }

    [Fact]
    public void A_folder_has_one_owner_at_a_time()
    {
        using var folder = new TemporaryFolder();
        using (var owner = FolderLock.Take(folder.Path))
        {
            Assert.Null(FolderLock.TryTake(folder.Path));
            string message = Assert.Throws<InputException>(() => FolderLock.Take(folder.Path)).Message;
            Assert.Matches($@"is in use by (process {Environment.ProcessId} on .* since \d+-\d+-\d+ .* UTC|another process); ", message);
            Assert.Throws<InputException>(() => FolderLock.CheckFree(folder.Path));
            Assert.False(owner.IsLost);
        }

        FolderLock.CheckFree(folder.Path);
        folder.Write(FolderLock.FileName, "what a dead process left");
        FolderLock.CheckFree(folder.Path);
        FolderLock.Take(folder.Path).Dispose();
        if (OperatingSystem.IsLinux()) Assert.Empty(Names(folder));
    }

    [Theory]
    [InlineData("pipe", "name a file")]
    [InlineData("link", "is a link; delete it")]
    public void A_lock_is_a_file_of_the_folder(string kind, string message)
    {
        Assert.SkipWhen(!OperatingSystem.IsLinux(), OnLinux);
        using var folder = new TemporaryFolder();
        string foreign = folder.Write("foreign", "mine");
        File.Move(Make(folder, kind), folder.File(FolderLock.FileName));
        Assert.Contains(message, Assert.Throws<InputException>(() => FolderLock.Take(folder.Path)).Message);
        Assert.Equal("mine", File.ReadAllText(foreign));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_owner_finds_out_that_its_folder_was_moved_or_replaced(bool isReplaced)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not move a folder with an open file.");
        using var folder = new TemporaryFolder();
        using var owner = FolderLock.Take(folder.File("run"));
        Directory.Move(folder.File("run"), folder.File("moved"));
        Assert.True(owner.IsLost);
        if (isReplaced) FolderLock.Take(folder.File("run")).Dispose();
        if (isReplaced) folder.Write($"run/{FolderLock.FileName}", "somebody else's");
        Assert.True(owner.IsLost);
        owner.Dispose();
        Assert.Equal(isReplaced, File.Exists(folder.File($"run/{FolderLock.FileName}")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_record_catches_up_after_every_fault(bool isNew)
    {
        using var folder = new TemporaryFolder();
        var counting = new FaultyDisk(Fault.Refused, long.MaxValue);
        using (Disk.Use(counting)) Grow(folder.File("counted"), isNew);
        for (int place = 0; place <= counting.Places; place++)
        {
            string path = folder.File($"{place}");
            using (Disk.Use(new FaultyDisk(Fault.Refused, place))) Grow(path, isNew);
            Assert.Equal("start\none\ntwo\nthree\n", File.ReadAllText(path));
        }

        static void Grow(string path, bool isNew)
        {
            using var file = new RecordFile(path, "start\n"u8, isNew);
            foreach (string line in new[] { "one\n", "two\n", "three\n" })
                if (Record.Exception(() => file.Append(Encoding.UTF8.GetBytes(line))) is { } e) Assert.IsType<InputException>(e);
            for (int i = 0; i < 2 && Record.Exception(file.Flush) is InputException; i++) { }
        }
    }

    [Fact]
    public void A_record_goes_on_elsewhere_with_all_it_had()
    {
        using var folder = new TemporaryFolder();
        using var file = new RecordFile(folder.File("a"), "start\n"u8);
        file.Append("one\n"u8);
        File.Delete(folder.File("a"));
        file.MoveTo(folder.File("b"));
        file.Append("two\n"u8);
        Assert.Equal("start\none\ntwo\n", File.ReadAllText(folder.File("b")));
        Assert.Equal(["b"], Names(folder));
    }

    private static string[] Names(TemporaryFolder folder) =>
        [.. Directory.GetFileSystemEntries(folder.Path).Select(name => Path.GetFileName(name)!).Order(StringComparer.Ordinal)];

    private static string Make(TemporaryFolder folder, string kind)
    {
        string path = folder.File($"a.{kind}");
        if (kind == "folder") Directory.CreateDirectory(path);
        else if (kind == "link") File.CreateSymbolicLink(path, folder.File("foreign"));
        else if (kind == "socket") new Socket(AddressFamily.Unix, SocketType.Stream, 0).Bind(new UnixDomainSocketEndPoint(path));
        else MakeNode(path, kind);
        return path;
    }

    private static void MakeNode(string path, string kind)
    {
        var (code, refusal) = Run("mknod", kind == "pipe" ? [path, "p"] : [path, "c", "1", "3"]);
        Assert.SkipWhen(code != 0 && kind == "device", $"Only root makes devices: {refusal}");
        Assert.True(code == 0, refusal);
    }

    private static (int Code, string Errors) Run(string program, params string[] arguments)
    {
        using var child = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = child.StandardOutput.ReadToEndAsync();
        string errors = child.StandardError.ReadToEnd();
        output.Wait();
        child.WaitForExit();
        return (child.ExitCode, errors.Trim());
    }
}
