"""The training engine: turns a plan into a run directory."""
