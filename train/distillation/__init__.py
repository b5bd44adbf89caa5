"""Distillation: a student learns from the labels and from the predictions of a trained teacher."""
