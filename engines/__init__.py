"""The models rtau ships, as the data package `rtau_engines`: files only, no code.

Each is `<name>.onnx`, its contract `<name>.json` and its card `<name>.md`. The runtime finds them
with `importlib.resources`, so an installed wheel works like a clone.
"""
