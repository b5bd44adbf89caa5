"""Files that are written completely or not at all, checksums, and the cache."""
