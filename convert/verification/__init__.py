"""Compares an artifact with the model on held-out images and applies the accuracy gate."""
