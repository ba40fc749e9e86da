import numpy as np
import pytest

from rtau.overlay.text import line_height, strip, width_px


@pytest.mark.parametrize("cap_px", [5, 6, 9, 14, 40])
def test_capitals_have_the_asked_height(cap_px):
    inked = np.flatnonzero((strip("HHH", cap_px) > 96).any(axis=1))
    assert abs(len(inked) - cap_px) <= 1


def test_strips_have_room_for_descenders():
    coverage = strip("Ugly", 12)
    assert coverage.shape[0] == line_height(12)
    assert not coverage[-1].any()
    assert not coverage[0].any()


def test_bold_is_heavier():
    assert strip("AU12", 10, bold=True).mean() > 1.15 * strip("AU12", 10).mean()


def test_text_is_antialiased():
    coverage = strip("AU12", 9)
    assert len(np.unique(coverage)) > 16


def test_strips_are_kept_and_cannot_be_changed():
    assert strip("AU12", 9) is strip("AU12", 9)
    with pytest.raises(ValueError, match="read-only"):
        strip("AU12", 9)[0, 0] = 1


def test_characters_the_font_lacks_are_shown_as_question_marks():
    assert np.array_equal(strip("\u00e9", 9), strip("?", 9))


def test_empty_text_has_a_width():
    assert width_px("", 9) >= 1
    assert width_px(" ", 9) >= 1
