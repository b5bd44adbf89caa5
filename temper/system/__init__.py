"""This machine: processor, GPU, installed runtimes, child processes."""
