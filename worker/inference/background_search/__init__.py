"""Looks for a faster engine while a worker serves."""
