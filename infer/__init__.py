"""The command that classifies images with an artifact."""
