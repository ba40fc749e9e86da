"""The report of one video, and the index of several: HTML files that need nothing beside them."""
