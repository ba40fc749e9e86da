"""Training of the networks that rtau runs: recipes, data, loop, metrics, checkpoints.

Needs torch and torchvision (`pip install rtau[train]`); the runtime package never imports it.
Called through `rtau-train`, and by `rtau_export`, which reads checkpoints with it.
"""
