"""Graphs that are shipped: how the default encoder computes, without the weights, which a package brings."""
