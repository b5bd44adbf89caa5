"""Artifacts and labelled pictures → one report on speed and accuracy, Keras as the first rows."""
