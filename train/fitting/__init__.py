"""Training loops, feature cache, checkpoints and distribution."""
