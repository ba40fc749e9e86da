"""The command line: parse, build, hand over; no logic of its own."""
