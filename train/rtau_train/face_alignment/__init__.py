"""Trains the small network that says whether a crop shows a face and where its points lie."""
