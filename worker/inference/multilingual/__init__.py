"""The multilingual encoder of an installed package, as a folder of Hugging Face files."""
