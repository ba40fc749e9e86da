"""Live streams: results over the network to other programs while a run goes on.

Each stream is a sink that never waits for a receiver. What needs a thread gets one from
`rtau.execution`; `rtau.runs.streams` opens them.
"""
