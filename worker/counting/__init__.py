"""Exact counts that all workers share: every message adds to them once, whatever is repeated."""
