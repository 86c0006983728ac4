"""The stages that a batch passes, one a file; `textsieve.worker.pipeline` has their order."""
