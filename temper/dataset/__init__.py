"""Files that describe a dataset: its split, images to leave out, near-duplicates, its title."""
