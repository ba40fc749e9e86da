"""`rtau image PATH...`: single images and folders of them, each judged for itself.

No image is related to the next: nothing is tracked, smoothed or carried over. Results go to a
table, JSON lines, annotated pictures, or as lines of text to standard output.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from rtau.backends import find_model, open_engine
from rtau.cli.settings import config_of
from rtau.faces.detection_policy import DetectionPolicy
from rtau.protocols import Sink
from rtau.runs.outputs import Outputs
from rtau.runs.session import Session, run_session
from rtau.runs.summary import print_summary
from rtau.sinks.face_lines import FaceLinesSink
from rtau.sinks.image_folder import ImageFolderSink
from rtau.sources import expand_images
from rtau.sources.images import ImageSource


def run(args: argparse.Namespace) -> int:
    """Scores the images; returns the exit code.

    Raises:
        RtauError: no image can be read, or the model or an output failed.
    """
    config = config_of(args)
    outputs = Outputs.of(config.output)
    files = expand_images(args.sources)
    outputs.check(files)
    path = find_model(config.model.model)
    engine = open_engine(str(path), provider=config.model.provider, threads=config.model.threads)
    with contextlib.closing(engine):
        source = ImageSource(files)
        outcome = run_session(
            source,
            engine,
            config=config,
            model_path=path,
            sinks=lambda session: _sinks(
                session, source=source, outputs=outputs, out_dir=args.out_dir
            ),
            record=outputs.record,
            outputs=outputs.named(),
            command=["rtau", *sys.argv[1:]],
            policy=DetectionPolicy.for_images(),
            tracker="untracked",
        )
    if outputs.keeps_something or args.out_dir is not None:
        print_summary(f"{len(files)} images", outcome, outputs=outputs)
    return outcome.exit_code


def _sinks(
    session: Session, *, source: ImageSource, outputs: Outputs, out_dir: Path | None
) -> list[Sink]:
    sinks = outputs.sinks(session, file_of=source.name_of)
    if out_dir is not None:
        sinks.append(ImageFolderSink(out_dir, file_of=source.name_of))
    return sinks or [FaceLinesSink(sys.stdout, file_of=source.name_of)]
