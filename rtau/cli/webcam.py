"""`rtau webcam [CAMERA]`: a camera or a stream, live.

The newest frame wins: frames that cannot be processed in time are dropped and counted. Ends with q,
Ctrl-C, at the frame limit, or when the camera is lost.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rtau.cli.parser import config_of
from rtau.runs.log import say
from rtau.runs.outputs import Outputs
from rtau.runs.session import run_source
from rtau.runs.streams import check_streams, open_streams
from rtau.runs.views import open_view
from rtau.sources import is_address, open_source


def run(args: argparse.Namespace) -> int:
    """Runs until the source or the user ends it; returns the exit code.

    Raises:
        RtauError: the camera, the model or an output failed.
    """
    config = config_of(args)
    check_streams(config)
    camera = config.source
    outcome = run_source(
        lambda: open_source(
            args.target,
            width=camera.width,
            height=camera.height,
            fps=camera.fps,
            timeout_s=camera.timeout_s,
            reconnects=camera.reconnects,
        ),
        config,
        outputs=Outputs.of(
            config,
            inputs=[None if is_address(args.target) else Path(args.target), args.config],
        ),
        views=lambda session: [*open_streams(session), open_view(session)],
        command=["rtau", *sys.argv[1:]],
    )
    say(f"{args.target}: {outcome}")
    return outcome.exit_code
