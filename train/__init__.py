"""Labeled images become model.keras and its card."""
