"""What the stages of a conversion to int8 take."""
