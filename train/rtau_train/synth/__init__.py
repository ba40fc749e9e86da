"""Renders faces whose Action Units are known exactly: training data in the rendered-crops layout.

`rtau-train synth` draws heads from public-domain and MIT-licensed meshes and skins; no photograph
of a person is in them. It does not train, and the rest of `rtau_train` reads only the folders it
writes. docs/synth.md says where the meshes come from and what the labels mean.
"""
