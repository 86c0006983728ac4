"""The topics of a worker: described, created, checked."""
