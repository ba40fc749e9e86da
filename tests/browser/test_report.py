"""The report in a real browser: curves, video, keys and paper."""

import base64
import csv
import time

import pytest

from rtau.cli.main import main
from tests.support.browser import PATIENCE_S, open_browser, open_page
from tests.support.commands import EXAMPLE

pytestmark = [pytest.mark.needs_browser, pytest.mark.needs_onnxruntime]
FRAMES = 250
FRAME_S = 0.04
# The sample clip smiles near the ninth second.
SMILE_S = 9.4


def settled(driver, script=""):
    """Runs a script, waits until the video shows what it asks for; returns time and frame."""
    driver.execute_script(script)
    deadline_s = time.monotonic() + PATIENCE_S
    state = "const v = document.getElementById('video'); return !v.seeking && v.readyState >= 2"
    while not driver.execute_script(state):
        assert time.monotonic() < deadline_s, "the video shows no frame"
        time.sleep(0.05)
    return driver.execute_script(
        "return [document.getElementById('video').currentTime, rtauReport.state.frame]"
    )


def test_a_browser_opens_it_seeks_and_prints(tmp_path):
    from selenium.webdriver import ActionChains  # noqa: PLC0415 - only where there is a browser
    from selenium.webdriver.common.by import By  # noqa: PLC0415 - as above

    clip, table, page = str(EXAMPLE), str(tmp_path / "clip.csv"), tmp_path / "clip.html"
    assert main(["video", clip, "--csv", table, "--max-frames", str(FRAMES), "--view", "none"]) == 0
    assert main(["report", clip, "--csv", table, "--out", str(page)]) == 0
    with (tmp_path / "clip.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with open_browser() as driver:
        open_page(driver, page)
        # A click on a curve moves the video to that time, within a frame.
        settled(driver, "rtauReport.seek(2)")
        plot = driver.find_elements(By.CSS_SELECTOR, ".lane .u-over")[6]
        width = plot.size["width"]
        for share in (0.25, 0.8):
            offset = round(width * share) - width // 2
            ActionChains(driver).move_to_element_with_offset(plot, offset, 0).click().perform()
            expected = FRAMES * FRAME_S * (offset + width // 2) / width
            time_s, frame = settled(driver)
            assert abs(time_s - expected) <= FRAME_S + FRAMES * FRAME_S / width
            assert frame == int(time_s / FRAME_S)
        # What the page says of a frame is what the table says.
        time_s, frame = settled(driver, f"rtauReport.seek({SMILE_S})")
        assert rows[frame]["timestamp"] == f"{frame * FRAME_S:.6f}"
        lane = driver.find_elements(By.CSS_SELECTOR, ".lane")[7]
        assert lane.find_element(By.TAG_NAME, "b").text == "AU12"
        shown = float(lane.find_element(By.CSS_SELECTOR, ".now span").text)
        assert shown == pytest.approx(float(rows[frame]["AU12_p"]), abs=6e-4)
        # Keys step by a frame and to the next event; pictures are there; it prints.
        driver.find_element(By.TAG_NAME, "body").send_keys("\ue014")
        assert driver.execute_script("return rtauReport.state.frame") == frame + 1
        pictures = driver.find_elements(By.CSS_SELECTOR, ".event img")
        assert len(pictures) == len(driver.find_elements(By.CSS_SELECTOR, ".event")) > 3
        printed = driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]
        assert base64.b64decode(printed).startswith(b"%PDF")
