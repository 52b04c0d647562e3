Console.WriteLine("Micro");
