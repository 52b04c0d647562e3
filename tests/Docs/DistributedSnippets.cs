namespace Mayfly.Tests;

/// <summary>The code that docs/distributed.md quotes.</summary>
public class DistributedSnippets
{
    private readonly GptConfig config = new() { VocabularySize = 8, Context = 4, Layers = 1, Heads = 2, Width = 8 };

    [Fact]
    public void Threads_train_one_model_on_parts_of_a_batch()
    {
        var batches = new Batches(new int[] { 1, 2, 3, 4, 5, 6, 7, 0, 1, 2 }, batch: 4, context: 4, seed: 1);
        double[] losses = new double[2];
        InProcess.Run(2, ranks =>                           // threads for tests; Launcher.Join() for what mpirun has started
        {
            using var exchange = new DataParallel(ranks);
            using var device = Device.CreateCpu(threads: 1);
            using var model = config.Create(device);
            using var updater = new Updater(model.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { Exchange = exchange });
            var (ids, targets) = batches.Part(ranks.Rank, ranks.Ranks).Get(0, device);
            var report = updater.Step(() => model.Loss(ids, targets)); // the loss and the norm are those of all ranks
            losses[ranks.Rank] = report.Loss;
        });
        Assert.Equal(losses[0], losses[1]);
    }

    [Fact]
    public void Weights_are_divided_before_they_are_made() => InProcess.Run(2, ranks =>
    {
        using var exchange = new DataParallel(ranks);
        using var device = Device.CreateCpu(threads: 1);
        var plan = ShardPlan.Of(ranks.Rank, ranks.Ranks, d => config.Create(d)); // on a device that only counts
        plan.Use(device, exchange.Queue);                                       // before the model is made
        using var model = config.Create(device);
        Assert.All(plan.BytesOfRanks, bytes => Assert.Equal(0, bytes)); // all weights of this one are small
    });

    [Fact]
    public void Ranks_save_what_they_have()
    {
        using var place = new TemporaryFolder();
        string folder = place.Path;
        InProcess.Run(2, ranks =>
        {
            using var exchange = new DataParallel(ranks);
            using var device = Device.CreateCpu(threads: 1);
            using var model = config.Create(device);
            using var updater = new Updater(model.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { Exchange = exchange });
            ShardedSnapshot.Save(exchange, folder, model.Parameters(), updater, updater.GlobalStep, config); // all ranks call it
        });
        using var snapshot = Snapshot.Open(folder);
        Assert.Equal(0, snapshot.Step);
    }

    [Fact]
    public void Workers_meet_in_a_folder()
    {
        using var folder = new TemporaryFolder();
        var weights = new float[2][];
        InProcess.Run(2, own =>
        {
            int number = own.Rank;
            using var device = Device.CreateCpu(threads: 1);
            using var model = new GptConfig { VocabularySize = 11, Context = 6, Layers = 1, Heads = 2, Width = 8 }.Create(device);
            using var updater = new Updater(model.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { Schedule = 1e-2 });
            int[] some = [.. Enumerable.Range(0, 12).Select(i => (i * i + number) % 11)];
            Tensor ids = Tensor.From<int>(some, (2, 6), device), targets = ids;

            var diloco = new Diloco(updater, folder.File("meet"), new DilocoOptions { Worker = number, Workers = 2, Every = 2 });
            diloco.Start();
            while (updater.GlobalStep < 6)
            {
                updater.Step(() => model.Loss(ids, targets));
                if (diloco.IsDue) diloco.Synchronise();
            }

            weights[number] = [.. model.Parameters().SelectMany(p => p.Value.ToArray())];
        });
        Assert.Equal(weights[0], weights[1]);
    }
}
