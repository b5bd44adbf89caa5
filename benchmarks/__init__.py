"""Artifacts and labeled images → one report on speed and accuracy, with Keras as the baseline."""
