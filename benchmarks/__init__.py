"""Measurements and proofs, run from the repository: nothing here is shipped."""
