"""How good answers are, and how sure one may be of it."""
