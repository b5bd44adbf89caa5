"""Damaged, edited and hostile artifacts: what is refused, and what is not noticed.

Each suite is a function `run(count, seed, scratch)` that returns counts.
"""
