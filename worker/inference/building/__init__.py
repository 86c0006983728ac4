"""Makes the engines of one model from its files, by graphs that are kept or by torch."""
