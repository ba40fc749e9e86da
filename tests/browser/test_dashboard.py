"""The dashboard in a real browser, fed by a real run: what it shows, what its buttons do."""

from __future__ import annotations

import csv
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import live_dashboard

pytestmark = pytest.mark.needs_browser
REPOSITORY = Path(__file__).parents[2]
WAIT_S = 45


class Run:
    """`rtau webcam --serve` in a process of its own, on the sample clip at a camera's rate."""

    def __init__(self, folder, *, port=0, name="run"):
        self.csv, self.jsonl = folder / f"{name}.csv", folder / f"{name}.jsonl"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.support.paced_run", "8", "300", "webcam", "0"),
                *("--serve", f"127.0.0.1:{port}", "--view", "none"),
                *("--csv", str(self.csv), "--jsonl", str(self.jsonl)),
            ],
            cwd=REPOSITORY,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        told = self.process.stderr.readline()
        self.address = re.search(r"http://\S+", told)[0]
        self.port = int(self.address.rstrip("/").rpartition(":")[2])

    def end(self, with_signal=signal.SIGINT):
        self.process.send_signal(with_signal)
        self.process.stderr.close()
        self.process.wait(timeout=WAIT_S)


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService("/usr/bin/chromedriver")
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_script_timeout(WAIT_S)
    yield driver
    driver.quit()


def wait_for(browser, condition, *arguments):
    """Returns what a JavaScript expression gives once it is true."""
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        found = browser.execute_script(f"return {condition}", *arguments)
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"not so within {WAIT_S} s: {condition}")


# Frame number and the values beside it, read in one go, so that no frame comes in between.
SHOWN = """
(() => {
  const rows = [...document.querySelectorAll('.face[data-face="1"] tr[data-label]')];
  return {
    frame: Number(document.body.dataset.frame),
    values: Object.fromEntries(rows.map((row) => [row.dataset.label, Number(row.dataset.value)])),
    texts: Object.fromEntries(
      rows.map((row) => [row.dataset.label, row.querySelector('.value').textContent])),
    active: rows.filter((row) => row.classList.contains('active')).map((row) => row.dataset.label),
  };
})()
"""


def test_the_page_shows_the_json_lines_and_its_buttons_reach_the_table(browser, tmp_path):
    run = Run(tmp_path)
    browser.get(run.address)
    wait_for(browser, "document.querySelectorAll('.face canvas').length >= 12")
    shown = [browser.execute_script(f"return {SHOWN.strip()}") for _ in range(5)]
    wait_for(browser, "document.getElementById('fps').textContent > '0'")

    browser.find_element("id", "label").send_keys("stimulus, left")
    browser.find_element("id", "mark").click()
    wait_for(browser, "document.getElementById('mark').textContent === 'Marked'")
    browser.execute_script(
        "const one = document.getElementById('heatmap'); one.value = 'AU12';"
        "one.dispatchEvent(new Event('change'));"
    )
    browser.execute_script("document.activeElement.blur()")
    time.sleep(1.5)  # a status has come back since
    assert browser.execute_script("return document.getElementById('heatmap').value") == "AU12"

    browser.find_element("id", "pause").click()
    wait_for(browser, "document.getElementById('connection').textContent === 'the run is paused'")
    time.sleep(1.0)  # the page has drawn the last frame
    before = int(browser.execute_script("return document.body.dataset.frame"))
    time.sleep(2.5)  # longer than the silence that is told of a lost camera
    assert int(browser.execute_script("return document.body.dataset.frame")) == before
    assert "no frame" not in browser.find_element("id", "notices").text
    browser.find_element("id", "pause").click()
    wait_for(browser, "document.getElementById('connection').textContent === 'live'")
    wait_for(browser, f"Number(document.body.dataset.frame) > {before}")
    browser.find_element("id", "neutral").click()  # the clip never rests: it is refused
    wait_for(
        browser, "/neutral (of face|face:)/.test(document.getElementById('notices').textContent)"
    )
    run.end()

    record = json.loads(run.csv.with_suffix(".run.json").read_text("utf-8"))
    assert any(note.startswith("paused for") for note in record["notes"])
    lines = [json.loads(line) for line in run.jsonl.read_text("utf-8").splitlines()]
    numbers = [line["frame"] for line in lines]
    gaps = [now for now, after in itertools.pairwise(numbers) if after - now > 15]
    assert before in gaps
    by_frame = {line["frame"]: line["faces"] for line in lines}
    for one in shown:
        (face,) = by_frame[one["frame"]]
        assert one["values"] == face["probabilities"]
        assert one["active"] == face["active"]
        for label, value in face["probabilities"].items():
            assert abs(int(one["texts"][label].rstrip("%")) - 100 * value) <= 0.5 + 1e-9
    with run.csv.open(encoding="utf-8") as file:
        marked = [row for row in csv.DictReader(file) if row["marker"]]
    assert [row["marker"] for row in marked] == ["stimulus, left"]
    assert [line["markers"][0]["label"] for line in lines if line["markers"]] == ["stimulus, left"]
    faults = [one["message"] for one in browser.get_log("browser") if one["level"] == "SEVERE"]
    assert [one for one in faults if "ERR_CONNECTION_REFUSED" not in one] == []


def test_a_killed_run_that_is_started_again_is_shown_again(browser, tmp_path):
    first = Run(tmp_path, name="first")
    browser.get(first.address)
    wait_for(browser, "document.querySelectorAll('.face').length === 1")
    run_before = browser.execute_script("return document.body.dataset.run")
    first.end(signal.SIGKILL)
    wait_for(browser, "document.getElementById('connection').textContent.includes('lost')")
    second = Run(tmp_path, port=first.port, name="second")
    wait_for(browser, f"document.body.dataset.run !== '{run_before}'")
    wait_for(browser, "document.querySelectorAll('.face').length === 1")
    wait_for(browser, "document.getElementById('connection').textContent === 'live'")
    second.end()
    wait_for(browser, "/lost|ended/.test(document.getElementById('connection').textContent)")


def test_a_phone_sees_it_without_scrolling_sideways_and_everything_has_a_name(browser, tmp_path):
    run = Run(tmp_path)
    browser.set_window_size(500, 900)  # the narrowest window chromium makes
    browser.get(run.address)
    wait_for(browser, "document.querySelectorAll('.face canvas').length >= 12")
    page = "document.documentElement"
    assert browser.execute_script(f"return {page}.scrollWidth <= {page}.clientWidth")
    nameless = browser.execute_script(
        "return [...document.querySelectorAll('button, input, select')].filter((one) =>"
        " !one.hidden && !(one.ariaLabel || one.textContent.trim() || one.labels?.length)).length"
    )
    assert nameless == 0
    assert browser.execute_script("return document.documentElement.lang") == "en"
    wait_for(browser, "document.getElementById('said').textContent.startsWith('face 1:')")
    for theme in ("light", "dark"):
        browser.execute_script(f"document.documentElement.dataset.theme = '{theme}'")
        ground, text = browser.execute_script(
            "const style = getComputedStyle(document.body);"
            "return [style.backgroundColor, style.color]"
        )
        assert contrast(ground, text) > 7
    run.end()


@pytest.mark.slow
def test_the_script_that_keeps_it_open_says_what_it_draws_and_holds(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["live_dashboard.py", "--smoke"])
    assert live_dashboard.main() == 0
    told = capsys.readouterr().out
    received, drawn = map(float, re.search(r"Received: ([\d.]+) .* drawn: ([\d.]+)", told).groups())
    assert received > 0 < drawn
    rows = re.findall(r"^\| (.+?) \| ([\d.]+) \| ([\d.]+) \| [+-][\d.]+ \|$", told, re.MULTILINE)
    assert [name for name, *_ in rows] == [
        "JavaScript heap, MiB", "page's process, MiB", "DOM nodes", "event listeners",
    ]  # fmt: skip
    assert all(float(value) > 0 for _, *values in rows for value in values)


def contrast(*colours):
    """Returns the contrast of two CSS colours as WCAG defines it."""

    def luminance(colour):
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted(map(luminance, colours))
    return (high + 0.05) / (low + 0.05)
