"""Models that learn: a linear probe, fine-tuning, and the baselines they have to beat."""
