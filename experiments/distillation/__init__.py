"""What a teacher brings to a small network."""
