"""What a command must survive: wrong command lines, signals at any moment, a machine that watches its network."""
