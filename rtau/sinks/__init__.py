"""Sinks: where results go. One file per kind; none imports another package's implementation."""
