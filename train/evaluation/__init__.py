"""Metrics, calibration of confidence, suspect labels, charts and the model card."""
