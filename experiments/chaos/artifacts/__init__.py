"""Artifacts and cards that are damaged, edited, replaced or made to harm."""
