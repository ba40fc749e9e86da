"""Labelled crops: read, split, augmented and batched; `prepare/` makes them from data sets."""
