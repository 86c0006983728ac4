"""The parts of a worker, each built from its settings; `textsieve.worker.app` puts them together."""
