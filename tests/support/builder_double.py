"""A TensorRT 10 or 11 that builds nothing: it notes what the builder asked of it."""

from __future__ import annotations

import enum
from types import SimpleNamespace

from rtau.backends.tensorrt_library import TensorRT


class FakeTimings:
    """Stands for ITimingCache."""

    def __init__(self, content):
        self.content = content

    def serialize(self):
        return self.content + b"+"


class FakeConfig:
    """Stands for IBuilderConfig."""

    def __init__(self, *, refuses_timings):
        self.flags, self.cleared, self.profiles = [], [], []
        self.timings = None
        self.offered = []
        self.refuses_timings = refuses_timings

    def set_flag(self, flag):
        self.flags.append(flag.name)

    def clear_flag(self, flag):
        self.cleared.append(flag.name)

    def add_optimization_profile(self, profile):
        self.profiles.append(profile)

    def create_timing_cache(self, content):
        return FakeTimings(content)

    def set_timing_cache(self, cache, ignore_mismatch):
        assert ignore_mismatch is False
        self.offered.append(cache.content)
        if self.refuses_timings and cache.content:
            return False
        self.timings = cache
        return True

    def get_timing_cache(self):
        return self.timings


def fake_builder(version="10.3.0", *, fails=False, refuses_timings=False) -> TensorRT:
    """Returns a TensorRT whose `module.built` holds (config, creation flags) of every build."""
    built = []
    names = ["TF32", *(["FP16", "INT8"] if version.startswith("10.") else [])]

    class Builder:
        def __init__(self, logger):
            self.logger = logger

        def create_network(self, flags):
            self.network_flags = flags
            return SimpleNamespace()

        def create_builder_config(self):
            self.config = FakeConfig(refuses_timings=refuses_timings)
            return self.config

        def create_optimization_profile(self):
            shapes = {}
            return SimpleNamespace(
                shapes=shapes,
                set_shape=lambda name, least, best, most: shapes.update(
                    {name: (least, best, most)}
                ),
            )

        def build_serialized_network(self, network, config):
            built.append((config, self.network_flags))
            if fails:
                self.logger.log(0, "Could not find any implementation\nfor node conv")
                return None
            return b"plan of " + version.encode()

    class Parser:
        num_errors = 0

        def __init__(self, network, logger):
            pass

        def parse(self, content):
            return True

    module = SimpleNamespace(
        __version__=version,
        built=built,
        Builder=Builder,
        OnnxParser=Parser,
        BuilderFlag=enum.IntEnum("BuilderFlag", names),
        NetworkDefinitionCreationFlag=enum.IntEnum(
            "Creation", ["EXPLICIT_BATCH", "STRONGLY_TYPED"], start=0
        ),
        ILogger=type("ILogger", (), {"INTERNAL_ERROR": 0, "ERROR": 1}),
        IProgressMonitor=type("IProgressMonitor", (), {}),
    )
    return TensorRT("tensorrt", module)
