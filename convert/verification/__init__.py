"""Compares an artifact with the Keras model on held-out images and applies the accuracy gate."""
