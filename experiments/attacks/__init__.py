"""Attacks that are repeated: what is tried, and what happens.

Each suite is a function `run(count, seed, scratch)` that returns counts.
"""
