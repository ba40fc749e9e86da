"""Moves the pixels of portraits: pairs of one face, neutral and with known Action Units."""
