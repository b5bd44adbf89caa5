"""model.keras → .onnx, .xml, .plan, TF-TRT: one file for each target."""
