"""The audit of figures: where each number in README.md and docs/ comes from."""
