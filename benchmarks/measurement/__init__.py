"""Runs artifacts in processes of their own and records samples."""
