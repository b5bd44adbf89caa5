"""One file for each runtime; nothing heavy is imported until its runner is opened."""
