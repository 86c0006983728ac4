"""The networks of Hugging Face folders in torch; importing any module of this package takes seconds."""
