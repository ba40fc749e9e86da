import numpy as np
import pytest

from rtau.overlay import _panels as panels
from rtau.overlay._panels import PanelSpec, chips, panel_size, percent
from rtau.overlay.palette import ACTIVE, WHITE
from rtau.overlay.sprite import composite, stacked
from tests.support.pictures import AUS, EMOTIONS

COLOUR = (240, 196, 92)


def spec(labels=AUS, *, row_px=18, threshold=0.5):
    return PanelSpec(tuple(labels), tuple(threshold for _ in labels), row_px)


def panel(wanted, **what):
    return stacked(panels.panel(wanted, **what))


def painted(sprite):
    image = np.full((sprite.height, sprite.width, 3), 128, np.uint8)
    composite(image, sprite, x=0, y=0)
    return image


def amber(image):
    return (np.abs(image.astype(int) - ACTIVE).sum(axis=2) < 60).sum()


@pytest.mark.parametrize("labels", [AUS, EMOTIONS, ("one",)])
@pytest.mark.parametrize("row_px", [11, 18, 60])
def test_a_panel_has_the_size_it_announces(labels, row_px):
    wanted = spec(labels, row_px=row_px)
    drawn = panel(
        wanted, probabilities=[0.4] * len(labels), active=[False] * len(labels), colour=COLOUR
    )
    assert (drawn.width, drawn.height) == panel_size(wanted)
    assert drawn.height >= row_px * len(labels)


def test_names_make_a_panel_wider_for_aus_and_not_for_words():
    codes = tuple(label.replace("AU", "XY") for label in AUS)  # names nothing
    assert panel_size(spec())[0] > panel_size(spec(codes))[0]


def test_a_higher_probability_draws_a_longer_bar():
    filled = [
        amber(painted(panel(spec(("AU12",)), probabilities=[p], active=[True], colour=COLOUR)))
        for p in (0.2, 0.5, 0.9, 1.0)
    ]
    assert filled == sorted(filled)
    assert filled[0] < filled[-1]


def test_an_active_row_differs_without_colour():
    one = ("AU12",)
    lit = painted(panel(spec(one), probabilities=[0.6], active=[True], colour=COLOUR))
    idle = painted(panel(spec(one), probabilities=[0.6], active=[False], colour=COLOUR))
    assert lit.mean(axis=2).mean() > 1.2 * idle.mean(axis=2).mean()


def test_only_the_title_and_the_active_row_change():
    drawn = [
        painted(
            panel(
                spec(), probabilities=[0.3] * 12, active=[row == 4 for row in range(12)][:12]
                if on else [False] * 12, colour=COLOUR,
            )
        )
        for on in (True, False)
    ]  # fmt: skip
    changed = np.flatnonzero((drawn[0] != drawn[1]).any(axis=(1, 2)))
    pad = (panel_size(spec())[1] - 13 * 18) // 2
    assert set((changed - pad) // 18) == {0, 1 + 4}


def test_a_panel_without_an_active_label_says_so_and_another_how_many():
    def title(active):
        drawn = panel(spec(), probabilities=[0.3] * 12, active=active, colour=COLOUR)
        return painted(drawn)[6:22]

    none, first, last, two = (
        title([row in on for row in range(12)]) for on in ((), {0}, {9}, {3, 5})
    )
    assert np.array_equal(first, last)
    assert (none == WHITE).all(axis=2).any()
    assert not (first == WHITE).all(axis=2).any()
    assert not np.array_equal(first, two)


def test_the_threshold_tick_stands_where_the_threshold_is():
    columns = []
    for threshold in (0.25, 0.75, 1.0):
        wanted = spec(("AU12",), threshold=threshold, row_px=28)
        image = painted(panel(wanted, probabilities=[0.0], active=[False], colour=COLOUR))
        row = image[-28 - 28 // 6 * 2 :]
        white = np.flatnonzero(((row == WHITE).all(axis=2)).sum(axis=0) >= 10)
        columns.append(white.mean())
    assert columns == sorted(columns)
    width = 28 * 5
    assert columns[1] - columns[0] == pytest.approx(width / 2, abs=1.5)


def test_the_cache_is_not_drawn_upon():
    before = painted(panel(spec(), probabilities=[0.1] * 12, active=[False] * 12, colour=COLOUR))
    panel(spec(), probabilities=[0.9] * 12, active=[True] * 12, colour=COLOUR)
    after = painted(panel(spec(), probabilities=[0.1] * 12, active=[False] * 12, colour=COLOUR))
    assert np.array_equal(before, after)


@pytest.mark.parametrize("row_px", [14, 18, 60])
def test_every_part_of_a_panel_with_even_rows_has_even_sides(row_px):
    wanted = spec(row_px=row_px)
    parts = panels.panel(wanted, probabilities=[0.5] * 12, active=[True] * 12, colour=COLOUR)

    assert all(part.height % 2 == part.width % 2 == 0 for part in parts)


def test_the_edge_in_the_colour_of_the_track_has_no_gap():
    image = painted(panel(spec(), probabilities=[0.2] * 12, active=[False] * 12, colour=COLOUR))
    rows = np.flatnonzero((np.abs(image[:, 0].astype(int) - COLOUR) < 30).all(axis=1))

    assert np.array_equal(rows, np.arange(rows[0], rows[-1] + 1))
    assert rows[0] == len(image) - 1 - rows[-1] < 18


def make_chips(active, *, max_width=10_000, labels=AUS, with_words=False):
    on = np.zeros(len(labels), bool)
    on[: len(active)] = active
    return chips(
        labels, np.linspace(0.9, 0.5, len(labels), dtype=np.float32), on,
        colour=COLOUR, cap_px=8, max_width=max_width, with_words=with_words,
    )  # fmt: skip


def test_no_active_label_makes_a_chip_that_says_so():
    assert make_chips([]).width > make_chips([True]).width


def test_chips_have_names_where_there_is_room():
    named = make_chips([True], with_words=True, max_width=400)
    assert named.width > make_chips([True], max_width=400).width


def test_chips_break_into_rows_and_never_below_one_column():
    wide, narrow = make_chips([True] * 4), make_chips([True] * 4, max_width=1)
    assert wide.height < narrow.height
    assert narrow.width < wide.width


def test_many_chips_are_counted_instead_of_shown():
    assert make_chips([True] * 12).width == make_chips([True] * 6).width


@pytest.mark.parametrize(
    ("probability", "shown"), [(0.0, "0%"), (0.874, "87%"), (1.0, "100%"), (1.0001, "100%")]
)
def test_percent(probability, shown):
    assert percent(probability) == shown
