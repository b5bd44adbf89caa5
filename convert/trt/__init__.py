"""From an ONNX graph to a TensorRT plan."""
