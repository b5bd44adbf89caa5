"""Measurements of `temper serve`: load, faults, hostile clients."""
