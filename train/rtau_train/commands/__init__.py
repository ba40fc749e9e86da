"""The command line `rtau-train`: a module per family of verbs; parsing and printing only."""
