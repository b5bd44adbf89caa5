"""Measurements that are not part of the product. Programs write their tables to benchmarks/results/.

int8_outliers.py writes a model instead. Experiments may use the small models of tests/.
"""
