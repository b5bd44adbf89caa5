"""Pages that are generated from the code: commands, messages, the schema of a card, the Python API."""
