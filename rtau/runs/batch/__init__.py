"""Many files: planned, shared out among processes or machines, resumed and accounted for."""
