"""The composition root: configuration, wiring, process supervision and the command line."""
