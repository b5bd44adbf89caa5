"""One file for each kind of original: how it is read, run and wrapped."""
