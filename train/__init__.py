"""Photos become model.keras and its card."""
