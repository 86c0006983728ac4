"""Makes and judges the models a worker serves."""
