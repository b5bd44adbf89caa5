"""Attacks that are repeated: what is tried, and what happens."""
