"""What the Kafka clients of every package share: finding a broker that answers, and the end of a topic."""
