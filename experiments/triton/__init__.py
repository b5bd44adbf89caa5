"""A real Triton server on the CPU, and `temper serve` beside it."""
