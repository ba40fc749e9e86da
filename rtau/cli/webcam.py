"""`rtau webcam [CAMERA]`: a camera or a stream, live.

The newest frame wins: what cannot be processed in time is dropped and counted. Ends with q, Ctrl-C,
the frame limit, or when the camera is gone.
"""

from __future__ import annotations

import argparse
import contextlib
import sys

from rtau.backends import find_model, open_engine
from rtau.cli.settings import config_of
from rtau.runs.build import detection_policy
from rtau.runs.outputs import Outputs
from rtau.runs.session import run_session
from rtau.runs.summary import print_summary
from rtau.runs.views import build_view
from rtau.sources import open_source


def run(args: argparse.Namespace) -> int:
    """Runs until the source or the user ends it; returns the exit code.

    Raises:
        RtauError: the camera, the model or an output failed.
    """
    config = config_of(args)
    outputs = Outputs.of(config.output)
    outputs.check([])
    model, camera = config.model, config.source
    path = find_model(model.model)
    engine = open_engine(str(path), provider=model.provider, threads=model.threads)
    with contextlib.closing(engine):
        source = open_source(
            args.target,
            width=camera.width,
            height=camera.height,
            fps=camera.fps,
            timeout_s=camera.timeout_s,
            reconnects=camera.reconnects,
        )
        outcome = run_session(
            source,
            engine,
            config=config,
            model_path=path,
            sinks=lambda session: [*outputs.sinks(session), build_view(session, outputs)],
            record=outputs.record,
            outputs=outputs.named(),
            command=["rtau", *sys.argv[1:]],
            policy=detection_policy(config),
        )
    print_summary(args.target, outcome, outputs=outputs)
    return outcome.exit_code
