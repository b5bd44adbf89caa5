"""Runs cases in processes of their own and records samples."""
