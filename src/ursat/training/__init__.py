"""Training of the core family: scenes made by the tool's own pipeline, the objective, the trainer."""
