"""Reads the dataset: its split, leaks between subsets, decoded images, augmentation and batches."""
