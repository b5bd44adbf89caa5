"""Builds the network: backbone, preprocessing and head."""
