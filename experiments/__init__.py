"""Measurements that are no part of the product; each writes a table to benchmarks/results/."""
