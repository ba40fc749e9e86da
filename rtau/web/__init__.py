"""Pages for a browser: static files, and the plot library they share in `vendor/`."""
