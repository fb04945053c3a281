"""What a Compose stack is: its merged file, and where each value of it came from. Pure; nothing is read here."""
