"""Fits a network: the loop, its optimiser, its processes, and what it writes down of a run."""
