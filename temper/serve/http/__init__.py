"""What every request passes: limits of connections and bodies, the token, errors."""
