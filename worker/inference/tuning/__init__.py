"""Finds the fastest engine whose answers agree with float32."""
