"""Publications of artifacts of random bytes: killed, at once, without space, with system calls that fail."""
