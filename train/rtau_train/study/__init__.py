"""Both papers as one command each: every experiment, then the report."""
