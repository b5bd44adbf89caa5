"""Measurements that are not part of the product; each program writes its table to benchmarks/results/."""
