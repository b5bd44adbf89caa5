"""Whether a head that is solved on the features of the int8 network does better there than one of exact features."""
