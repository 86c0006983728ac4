"""The predictor over an engine: batches, windows of long texts, answers that are remembered."""
