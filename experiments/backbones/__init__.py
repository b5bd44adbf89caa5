"""Every backbone through training, conversion at every precision, and the accuracy gate."""
