"""How every Kafka client of a worker connects, and what it is protected from."""
