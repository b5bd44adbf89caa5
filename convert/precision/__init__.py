"""From the fp32 ONNX graph to fp16 and int8 graphs."""
