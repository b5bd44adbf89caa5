"""What the layers of an int8 artifact take, beside the peak of the processor."""
