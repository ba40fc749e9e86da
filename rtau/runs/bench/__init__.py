"""Measures rtau on the machine it runs on: every stage, whole runs, fresh processes, and the peer.

Needs no torch, no pytest and no repository. `rtau bench` and the scripts in `benchmarks/` call it.
"""
