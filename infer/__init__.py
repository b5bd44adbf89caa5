"""An artifact and pictures → labels. Needs no TensorFlow unless the artifact does."""
