"""The streaming worker: consume, classify and embed in one pass, cluster, publish."""
