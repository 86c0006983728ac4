"""What worker, producer, trainer and embedded stack have in common: it stands below all of them and imports none."""
