"""Metrics, calibration of confidence, charts and the model card."""
