"""The report in words, as tables and as a plot."""
