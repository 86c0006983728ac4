"""What others would do with the same topic, the same weights and the same core."""
