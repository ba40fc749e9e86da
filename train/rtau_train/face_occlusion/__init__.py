"""Adds to the alignment network an output that says whether something covers a part of a face."""
