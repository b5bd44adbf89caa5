"""Adopts a model that was trained elsewhere: wraps it, proves that it predicts as before, and writes its card."""
