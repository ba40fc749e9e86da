from rtau.overlay.palette import ACTIVE, BAR_INACTIVE, TRACKS, track_colour


def luminance(colour):
    b, g, r = colour
    return 0.0722 * b + 0.7152 * g + 0.2126 * r


def test_active_and_inactive_bars_differ_in_brightness_not_only_in_colour():
    assert luminance(ACTIVE) > 1.3 * luminance(BAR_INACTIVE)


def test_a_track_keeps_its_colour_and_neighbours_differ():
    assert track_colour(3) == track_colour(3 + len(TRACKS))
    assert len({track_colour(track_id) for track_id in range(1, 7)}) == 6
