"""Makes the pictures of README.md and docs/quick-start.md: annotated faces, window and terminal.

Runs the installed `rtau` command on the portraits and the clip in examples/ and takes pictures of
what it shows. Window and terminal need `apt-get install xvfb imagemagick tmux
fonts-dejavu-core` and `pip install pillow`:

    python tools/make_pictures.py docs/images
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.color import Color
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME as THEME
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PORTRAITS = ROOT / "examples" / "portraits"
CLIP = ROOT / "examples" / "one_face.mp4"
RTAU = (sys.executable, "-m", "rtau")
DISPLAY = ":97"
SCREEN = (1280, 720)
TERMINAL = (88, 24)
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono{}.ttf"
FONT_PX = 15
# Frames of the clip with raised brows and an open mouth.
SURPRISE = slice(498, 512)
# Frames with a smile; shown so many times there and back while window and terminal are taken.
SMILE = slice(458, 474)
REPEATS = 60
GAP_PX = 8
JPEG_QUALITY = 88
# After so long the program has started and its face is confirmed.
START_S = 4.0
# The screen is black until the window is drawn; it is looked at again, so often.
BLACK, PATIENCE = 10, 5


def run(*words: str | Path) -> None:
    """Runs a command quietly; raises CalledProcessError when it fails."""
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


def read(path: Path) -> np.ndarray:
    """Returns an image file: uint8 (H, W, 3), BGR."""
    image = cv2.imread(str(path))
    if image is None:
        raise ValueError(f"{path} cannot be read as an image")
    return np.asarray(image)


def frames_of(video: Path) -> list[np.ndarray]:
    """Returns the frames of a video: uint8 (H, W, 3), BGR."""
    with av.open(str(video)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def write_loop(out: Path) -> None:
    """Writes a clip that shows the smile over and over."""
    frames = frames_of(CLIP)[SMILE]
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "12"})
        stream.height, stream.width = frames[0].shape[:2]
        for image in (frames + frames[::-1]) * REPEATS:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())


def annotated(out: Path) -> None:
    """Writes two annotated portraits beside an annotated frame of the rendered clip."""
    with tempfile.TemporaryDirectory() as folder:
        for name, heatmap in (("m001.jpg", "AU06"), ("f032.jpg", "none")):
            run(*RTAU, "image", PORTRAITS / name, "--out-dir", folder, "--heatmap", heatmap)
        video = Path(folder) / "clip.mp4"
        run(*RTAU, "video", CLIP, "--out", video, "--heatmap", "top", "--heatmap-hz", "30")
        portraits = [read(Path(folder) / name) for name in ("m001.jpg", "f032.jpg")]
        frame = frames_of(video)[SURPRISE][6]
    height = portraits[0].shape[0]
    width = round(frame.shape[1] * height / frame.shape[0])
    frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC)
    gap = np.full((height, GAP_PX, 3), 255, np.uint8)
    row = np.hstack([portraits[0], gap, portraits[1], gap, frame])
    cv2.imwrite(str(out), row, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


@contextlib.contextmanager
def virtual_screen() -> Iterator[dict[str, str]]:
    """Runs a virtual screen; yields the environment of programs that draw on it."""
    size = "x".join(map(str, SCREEN))
    screen = subprocess.Popen(
        ["Xvfb", DISPLAY, "-screen", "0", f"{size}x24"], stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(1.0)
        yield {**os.environ, "DISPLAY": DISPLAY}
    finally:
        screen.terminate()
        screen.wait()


def window(clip: Path, out: Path) -> None:
    """Writes a picture of the window while the clip runs."""
    words = [*RTAU, "video", clip.name, "--view", "window", "--heatmap", "AU12"]
    with virtual_screen() as environment:
        process = subprocess.Popen(
            words, env=environment, cwd=clip.parent, stderr=subprocess.DEVNULL
        )
        try:
            for _ in range(PATIENCE):
                time.sleep(START_S)
                shot = ["import", "-window", "root", str(out)]
                subprocess.run(shot, env=environment, check=True)
                screen = read(out)
                rows, columns = np.nonzero(screen.max(axis=2) > BLACK)
                if len(rows):
                    break
            else:
                raise RuntimeError("no window was drawn")
        finally:
            process.terminate()
            process.wait()
    shown = screen[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    cv2.imwrite(str(out), shown, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


def terminal_lines(clip: Path) -> list[str]:
    """Returns the lines of the terminal view while the clip runs, with their escape codes."""
    columns, rows = map(str, TERMINAL)
    command = " ".join([*RTAU, "video", clip.name, "--view", "terminal"])
    tmux = ["tmux", "-L", "rtau-pictures"]
    run(
        *tmux,
        "-f",
        "/dev/null",
        "new-session",
        "-d",
        "-c",
        clip.parent,
        "-x",
        columns,
        "-y",
        rows,
        command,
    )
    try:
        time.sleep(START_S)
        shown = subprocess.run(
            [*tmux, "capture-pane", "-e", "-p"], check=True, capture_output=True, text=True
        )
    finally:
        subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)
    return shown.stdout.splitlines()


def terminal(clip: Path, out: Path) -> None:
    """Writes a picture of the terminal view, a character per cell."""
    fonts = {
        bold: ImageFont.truetype(FONT.format("-Bold" if bold else ""), FONT_PX)
        for bold in (False, True)
    }
    cell = round(fonts[False].getlength("M")), FONT_PX + 5
    columns, rows = TERMINAL
    image = Image.new(
        "RGB", ((columns + 2) * cell[0], (rows + 1) * cell[1]), tuple(THEME.background_color)
    )
    draw = ImageDraw.Draw(image)
    console = Console(width=columns)
    for row, line in enumerate(terminal_lines(clip)):
        text = Text.from_ansi(line)
        for column, character in enumerate(text.plain):
            style = text.get_style_at_offset(console, column)
            colour = (style.color or Color.default()).get_truecolor(THEME)
            at = (column + 1) * cell[0], round((row + 0.5) * cell[1])
            draw.text(at, character, fill=tuple(colour), font=fonts[bool(style.bold)])
    image.quantize(32).save(out, optimize=True)


def main() -> int:
    """Writes annotated.jpg, window.jpg and terminal.png into the folder that is named."""
    folder = Path(sys.argv[1])
    annotated(folder / "annotated.jpg")
    with tempfile.TemporaryDirectory() as made:
        clip = Path(made) / "clip.mp4"
        write_loop(clip)
        window(clip, folder / "window.jpg")
        terminal(clip, folder / "terminal.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
