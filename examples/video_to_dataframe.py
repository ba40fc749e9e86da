"""Turns a video into a pandas data frame, and prints how often each Action Unit is active.

Needs `pip install 'rtau[cpu,table]'`:

    python examples/video_to_dataframe.py [VIDEO] [OUT.parquet]
"""

from __future__ import annotations

import sys
from pathlib import Path

from rtau import Detector

CLIP = Path(__file__).resolve().parent / "one_face.mp4"


def main(video: Path, out: Path | None) -> None:
    """Prints a line per AU: share of the frames with a face, and mean probability."""
    with Detector(smooth=0.2) as detector:
        table = detector.table(video, progress=True)
        labels = detector.labels
    if out is not None:
        table.to_parquet(out)
    frame = table.to_pandas()
    faces = frame[frame.success == 1]
    for label in labels:
        active, mean_p = faces[f"{label}_c"].mean(), faces[f"{label}_p"].mean()
        print(f"{label}: active {active:6.1%}, mean probability {mean_p:.2f}")


if __name__ == "__main__":
    named = [Path(name) for name in sys.argv[1:]]
    main(named[0] if named else CLIP, named[1] if len(named) > 1 else None)
