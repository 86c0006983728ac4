"""How fast textsieve is beside what others would do, on the same core, with the same texts and weights."""
