"""The command line: entry points, exit codes, logging, progress and tables."""
