"""How well campaigns are told: near-duplicates planted among real texts, and days of bursts."""
