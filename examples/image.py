"""Prints the Action Units of the faces in images, and marks the faces in a copy of each.

python examples/image.py OUT [IMAGE...]
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2

from rtau import Detector

PORTRAITS = Path(__file__).resolve().parent / "portraits"
YELLOW_BGR = (0, 220, 255)


def main(out: Path, paths: list[Path]) -> None:
    """Writes each image with a box per face into a folder, and prints what was found."""
    out.mkdir(parents=True, exist_ok=True)
    with Detector() as detector:
        for path in paths:
            result = detector.detect(path)
            picture = result.frame.image_bgr.copy()
            for face in result:
                strongest = max(face.au, key=face.au.__getitem__)
                print(f"{path.name}: face {face.id}, active: {', '.join(face.active) or 'none'}")
                x0, y0, x1, y1 = map(round, face.box)
                cv2.rectangle(picture, (x0, y0), (x1, y1), YELLOW_BGR, 2)
                text = f"{strongest} {face.au[strongest]:.0%}"
                cv2.putText(picture, text, (x0, y0 - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.6, YELLOW_BGR)
            cv2.imwrite(str(out / path.name), picture)


if __name__ == "__main__":
    main(
        Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]] or sorted(PORTRAITS.glob("*.jpg"))
    )
