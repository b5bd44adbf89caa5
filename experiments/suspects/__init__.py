"""How many wrong labels training finds, of some that were planted."""
