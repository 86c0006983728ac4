"""What turns features into probabilities of labels, without torch."""
