"""model.keras to .onnx, .xml, .plan, SavedModel and TF-TRT, each verified before it is published."""
