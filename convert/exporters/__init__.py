"""One file for each format that is exported without changing precision."""
