"""How long a fresh process takes until its first label, and what for."""
