"""Every precision of a model on this machine's GPU, as far as the card allows."""
