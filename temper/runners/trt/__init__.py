"""What the TensorRT runner is made of: the engine and its log, batches in flight, and CUDA."""
