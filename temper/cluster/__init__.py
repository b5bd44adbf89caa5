"""Classification on several machines, by Ray Data."""
