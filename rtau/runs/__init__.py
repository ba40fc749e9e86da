"""Runs: built from settings, executed, recorded; one source or a batch of files."""
