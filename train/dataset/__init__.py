"""Which images are in which subset, and their pixels."""
