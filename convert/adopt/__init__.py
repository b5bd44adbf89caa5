"""Adopts a model that was trained elsewhere: wraps it, proves that it answers as before, and writes its card."""
