"""Breaks everything around and inside running workers, then proves from outside that nothing was lost or repeated."""
