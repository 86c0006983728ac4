"""Trained models as folders that a worker serves."""
