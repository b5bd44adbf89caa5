"""The commands of `temper`: options, and what is printed."""
