"""The commands of `python -m worker` beside `run`: one file for each group, and what they share."""
