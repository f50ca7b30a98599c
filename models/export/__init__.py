"""HiFi-CS over frozen CLIP: definition, checkpoint loading, and export to the ONNX model folder."""
