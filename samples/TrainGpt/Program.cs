Console.WriteLine("TrainGpt");
