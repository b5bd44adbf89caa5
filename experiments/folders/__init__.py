"""Measurements of jobs over folders of images: rates, memory, kills."""
