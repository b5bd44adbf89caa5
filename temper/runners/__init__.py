"""One file for each runtime; nothing heavy is imported until a runner is opened."""
