"""Bundles: the folders that the trainer writes and a worker serves."""
