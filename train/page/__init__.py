"""The page beside the model: `model.html`."""
