"""ONNX graphs: exported, quantised, kept without their weights, and those that are shipped."""
