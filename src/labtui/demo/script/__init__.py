"""What no file can tell about the simulated estate: states, ages, use, history and troubles. Data only."""
