"""A server: the Open Inference Protocol over REST, raw images to labels, a page and metrics."""
