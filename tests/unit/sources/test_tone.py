"""HDR to SDR: standards' reference levels, neutral greys, no surprise in between."""

import numpy as np
import pytest

from rtau.sources.tone import Transfer, sdr_from_hdr, transfer_from_tag


def grey(code):
    return np.full((1, 1, 3), code, np.uint8)


def ramp(transfer):
    codes = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    return sdr_from_hdr(codes, transfer)[0]


@pytest.mark.parametrize("transfer", Transfer)
def test_greys_stay_grey_and_keep_their_order(transfer):
    shown = ramp(transfer).astype(int)
    assert np.ptp(shown, axis=1).max() <= 1
    assert (np.diff(shown[:, 1]) >= 0).all()
    assert shown[0, 1] == 0
    assert shown[255, 1] >= 250


# ITU-R BT.2408-7, table 1: 18 % grey card is 38 % of HLG and of PQ signal, 26 cd/m^2; diffuse
# white 75 % of HLG and 58 % of PQ, 203 cd/m^2.
@pytest.mark.parametrize(("transfer", "card", "white"), [("HLG", 0.38, 0.75), ("PQ", 0.38, 0.58)])
def test_reference_levels_come_out_where_sdr_has_them(transfer, card, white):
    card_code = sdr_from_hdr(grey(round(card * 255)), Transfer[transfer])[0, 0, 1]
    white_code = sdr_from_hdr(grey(round(white * 255)), Transfer[transfer])[0, 0, 1]
    assert card_code == pytest.approx(255 * (26 / 203) ** (1 / 2.2), abs=4)
    assert 235 <= white_code <= 250  # just below white: there is room for highlights


def test_the_wider_primaries_are_brought_in():
    # A BT.709 red is a paler red in BT.2020: it must come back saturated.
    pale = sdr_from_hdr(np.array([[[70, 90, 150]]], np.uint8), Transfer.HLG)[0, 0]
    assert int(pale[2]) - int(pale[0]) > 150 - 70


def test_only_hdr_tags_are_hdr():
    assert transfer_from_tag(16) is Transfer.PQ
    assert transfer_from_tag(18) is Transfer.HLG
    assert [transfer_from_tag(tag) for tag in (0, 1, 2, 6, 13, 14)] == [None] * 6
