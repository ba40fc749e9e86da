"""The threads of a run: a worker pool, prefetching, asynchronous sinks, orderly shutdown."""
