"""Labels portraits by their geometry: a teacher that was fitted on renders alone."""
