"""The machines that run the encoder."""
