"""Batches of files: planned, run in processes or on a cluster, resumed, recorded."""
