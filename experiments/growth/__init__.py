"""How training, conversion and classification grow with the number of images and labels."""
