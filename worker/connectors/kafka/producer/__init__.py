"""Sends results and dead letters, with or without transactions, and knows what is published."""
