"""The report of a study: one HTML page and the same in Markdown, beside the papers' tables."""
