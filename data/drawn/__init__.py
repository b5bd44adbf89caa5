"""The drawn sample: images of cats and dogs made by code."""
