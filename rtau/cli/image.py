"""`rtau image PATH...`: unrelated images, one by one, without tracking or smoothing.

Results go to a table, JSON lines, annotated images, or as lines of text to standard output.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from rtau.cli.parser import config_of
from rtau.protocols import Sink
from rtau.runs.log import counted, say
from rtau.runs.outputs import Outputs
from rtau.runs.session import Session, run_source
from rtau.sinks.face_lines import FaceLinesSink
from rtau.sinks.image_folder import ImageFileSink, ImageFolderSink, check_names, check_picture
from rtau.sources import expand_images
from rtau.sources.images import ImageSource


def run(args: argparse.Namespace) -> int:
    """Scores the images; returns the exit code.

    Raises:
        RtauError: no image can be read, or the model or an output failed.
    """
    config = config_of(args)
    found = expand_images(args.sources)
    files, left_out = found.files, str(found.left_out)
    if left_out:
        say(left_out)
    outputs = Outputs.of(config, inputs=[*files, args.config])
    if args.out_dir is not None:
        check_names(args.out_dir, files, others=outputs.files.values())
    if args.out is not None:
        check_picture(args.out, files, others=outputs.files.values())
    pictures = [str(place) for place in (args.out, args.out_dir) if place is not None]

    def views(_: Session) -> Iterator[Sink]:
        if args.out is not None:
            yield ImageFileSink(args.out)
        if args.out_dir is not None:
            yield ImageFolderSink(args.out_dir, file_of=lambda index: str(files[index]))
        if not pictures and not outputs.keeps_something:
            yield FaceLinesSink(sys.stdout, file_of=lambda index: str(files[index]))

    outcome = run_source(
        lambda: ImageSource(files),
        config,
        outputs=outputs,
        views=views,
        command=["rtau", *sys.argv[1:]],
        images=files,
        notes=[left_out] if left_out else (),
    )
    if outputs.keeps_something or pictures:
        where = f"; annotated: {', '.join(pictures)}" if pictures else ""
        say(f"{counted(len(files), 'image')}: {outcome}{where}")
    return outcome.exit_code
