"""What all packages share, which imports none of them, and the one command that leads to each."""
