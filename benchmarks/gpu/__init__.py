"""What a CUDA device gives, measured in one run of a few minutes, without a network."""
