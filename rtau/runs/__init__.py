"""What the settings ask for: built, run, recorded; one source, or a batch of files."""
