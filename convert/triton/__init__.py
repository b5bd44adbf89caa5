"""A Triton model repository from a published artifact."""
