"""From a plan to a run directory: what trains."""
