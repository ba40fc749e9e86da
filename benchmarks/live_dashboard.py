"""Keeps the dashboard of a live run open in Chromium for minutes: how often it draws, what grows.

The sample clip is played at 30 frames a second in place of a camera, with pictures; the page shows
them. Needs Chromium, chromedriver and the Python module selenium.

    PYTHONPATH=. python benchmarks/live_dashboard.py --minutes 10 --write   # make soak-dashboard
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.document import loads, origin, publish
from benchmarks.soak import growth_per_minute
from rtau.argument_parser import StrictArgumentParser
from rtau.config import build
from rtau.protocols import Sink
from rtau.runs.bench.live import LIVE_FPS, PacedClip
from rtau.runs.bench.machine import load
from rtau.runs.outputs import Outputs
from rtau.runs.session import Session, run_source
from rtau.runs.streams import open_streams

ROOT = Path(__file__).parents[1]
CLIP = ROOT / "examples" / "one_face.mp4"
DOCUMENT = ROOT / "docs" / "live.md"
WIDTH = 640
"""Of the clip's pictures, px."""
PIECES = 10
# Curves are half a minute long: before, the page grows by design.
FILL_S = 40.0
START_S = 120.0
_MIB = 1 << 20
# Counts, from before the page's own scripts, what it receives and what it draws.
COUNT = """
window.counts = {received: 0, drawn: 0};
const Native = window.WebSocket;
window.WebSocket = class extends Native {
  constructor(...words) {
    super(...words);
    this.addEventListener("message", ({data}) => {
      if (typeof data === "string" && JSON.parse(data).faces) window.counts.received += 1;
    });
  }
};
document.addEventListener("DOMContentLoaded", () => new MutationObserver(
  (changes) => { window.counts.drawn += changes.length; }
).observe(document.body, {attributeFilter: ["data-frame"]}));
"""


@dataclasses.dataclass(frozen=True)
class Held:
    """What the page has done and what it holds at one moment, after a garbage collection."""

    at_s: float
    received: int
    drawn: int
    heap_mib: float
    nodes: int
    listeners: int
    renderer_mib: float
    """Resident memory of the page's process, or NaN where the machine does not tell it."""


class Page(threading.Thread):
    """Opens the page of a run in a browser, looks at it from time to time, and ends the run."""

    def __init__(self, source: PacedClip, *, minutes: float, fill_s: float) -> None:
        super().__init__()
        self.held: list[Held] = []
        self.fault: Exception | None = None
        self.port = 0
        self._source, self._minutes, self._fill_s = source, minutes, fill_s

    def run(self) -> None:
        """Looks `PIECES` times after the first look, then ends the run."""
        try:
            with open_browser() as browser:
                browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": COUNT})
                browser.get(f"http://127.0.0.1:{self.port}/")
                wait_for(browser, "document.querySelectorAll('.face canvas').length > 0")
                browser.find_element("id", "video").click()
                wait_for(browser, f"document.getElementById('image').width === {WIDTH}")
                browser.execute_cdp_cmd("Performance.enable", {})
                time.sleep(self._fill_s)
                for piece in range(PIECES + 1):
                    self.held.append(held(browser))
                    if piece < PIECES:
                        time.sleep(60 * self._minutes / PIECES)
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            self.fault = error
        finally:
            self._source.close()


@contextlib.contextmanager
def open_browser() -> Iterator[Any]:
    """Gives a driver of a headless Chromium, which is gone afterwards."""
    from selenium import webdriver  # noqa: PLC0415 - `--help` does without

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.add_argument("--window-size=1400,1000")
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    browser = webdriver.Chrome(options=options, service=service)
    try:
        yield browser
    finally:
        browser.quit()


def wait_for(browser: Any, condition: str, /) -> None:
    """Waits until an expression is true on the page.

    Raises:
        TimeoutError: it was not within `START_S`.
    """
    deadline_s = time.monotonic() + START_S
    while not browser.execute_script(f"return {condition}"):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"not so on the page within {START_S:.0f} s: {condition}")
        time.sleep(0.1)


def held(browser: Any, /) -> Held:
    """Returns what the page holds now."""
    browser.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    counts = browser.execute_script("return window.counts")
    found = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    values = {one["name"]: one["value"] for one in found}
    return Held(
        at_s=time.monotonic(),
        received=counts["received"],
        drawn=counts["drawn"],
        heap_mib=values["JSHeapUsedSize"] / _MIB,
        nodes=round(values["Nodes"]),
        listeners=round(values["JSEventListeners"]),
        renderer_mib=renderer_mib(browser.service.process.pid),
    )


def renderer_mib(driver_pid: int, /) -> float:
    """Returns the resident memory of the largest renderer among a driver's descendants, MiB."""
    parents: dict[int, int] = {}
    sizes: dict[int, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # a process that has just ended
            status = dict(
                line.split(":", 1) for line in (folder / "status").read_text().splitlines()
            )
            parents[int(folder.name)] = int(status["PPid"])
            if b"--type=renderer" in (folder / "cmdline").read_bytes():
                sizes[int(folder.name)] = int(status["VmRSS"].split()[0]) / 1024

    def is_below(pid: int) -> bool:
        while pid > 1 and pid != driver_pid:
            pid = parents.get(pid, 0)
        return pid == driver_pid

    return max((size for pid, size in sizes.items() if is_below(pid)), default=float("nan"))


def measure(minutes: float, *, fill_s: float) -> tuple[list[Held], str]:
    """Returns what the page held from look to look, and what the run dropped.

    Raises:
        RuntimeError: the page could not be opened or looked at.
    """
    source = PacedClip(CLIP, seconds=60 * minutes + fill_s + 2 * START_S)
    page = Page(source, minutes=minutes, fill_s=fill_s)
    config = build({("stream", "serve"): "127.0.0.1:0", ("stream", "serve_video"): True})

    def views(session: Session) -> Iterator[Sink]:
        sinks = open_streams(session)
        yield from sinks
        page.port = next(getattr(one, "port", 0) for one in sinks if one.name == "server")
        page.start()

    summary = run_source(
        lambda: source,
        config,
        outputs=Outputs.of(config),
        views=views,
        command=["benchmarks/live_dashboard.py"],
    ).summary
    page.join()
    if page.fault is not None:
        raise RuntimeError(f"the page could not be measured: {page.fault}") from page.fault
    share = summary.frames_dropped / max(summary.frames_read, 1)
    return page.held, f"{summary.frames_dropped} of {summary.frames_read} frames ({share:.1%})"


def text_of(looks: Sequence[Held], dropped: str, *, minutes: float, loads: str) -> str:
    """Returns what was measured, for the document."""
    first, last = looks[0], looks[-1]
    seconds = last.at_s - first.at_s
    received, drawn = (
        (getattr(last, name) - getattr(first, name)) / seconds for name in ("received", "drawn")
    )
    rows = []
    for name, field in {
        "JavaScript heap, MiB": "heap_mib",
        "page's process, MiB": "renderer_mib",
        "DOM nodes": "nodes",
        "event listeners": "listeners",
    }.items():
        values = tuple(float(getattr(one, field)) for one in looks)
        slope = growth_per_minute(values, minutes=minutes)
        rows.append(f"| {name} | {values[0]:.4g} | {values[-1]:.4g} | {slope:+.2f} |")
    return "\n".join(
        [
            f"{minutes:g} minutes, {LIVE_FPS} frames a second, one face, with pictures. "
            f"{origin('websockets', 'selenium')} {loads}",
            "",
            f"Received: {received:.1f} frames a second; drawn: {drawn:.1f} a second. The run "
            f"dropped {dropped}.",
            "",
            "| of the page | at the start | at the end | growth a minute |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def main() -> int:
    """Measures and prints; returns 0."""
    parser = StrictArgumentParser(description="Keep the dashboard of a live run open.")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="M")
    parser.add_argument("--smoke", action="store_true", help="seconds: shows that the code runs")
    parser.add_argument("--write", action="store_true", help=f"put it into {DOCUMENT.name}")
    arguments = parser.parse_args()
    minutes = 4 / 60 if arguments.smoke else arguments.minutes
    before = load() or 0.0
    looks, dropped = measure(minutes, fill_s=1.0 if arguments.smoke else FILL_S)
    text = text_of(looks, dropped, minutes=minutes, loads=loads(before))
    publish(
        text, document=DOCUMENT if arguments.write else None, script="benchmarks/live_dashboard.py"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
