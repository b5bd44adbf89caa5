"""Models from elsewhere: made by Keras, tf-keras and PyTorch, adopted, and converted to every precision."""
