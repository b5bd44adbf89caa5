"""What the TensorRT runner is made of: the engine, its log, batches in flight, and CUDA."""
