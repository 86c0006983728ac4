"""Reads the folders of models: weights, configuration, tokenizer, modules of sentence-transformers; without torch."""
