"""Generated Compose files of every documented key, all the way to objects that a real API server takes."""
