"""The commands of `textsieve` that belong to no other package."""
