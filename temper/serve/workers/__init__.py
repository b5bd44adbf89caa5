"""From single requests to batches that a child process predicts, and the care for that process."""
