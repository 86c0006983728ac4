"""From texts to probabilities and embeddings in one encoder pass."""
