"""Parts of ONNX Runtime's runner."""
