"""HDR pictures (HLG, PQ) brought to ordinary SDR, as a phone shows them on an ordinary screen.

Works on 8-bit BGR arrays that still hold the HDR signal, by two look-up tables and one matrix; it
decodes nothing and leaves SDR pictures alone. Called by `pictures.py`.
"""

from __future__ import annotations

import enum

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Image

# Diffuse white of HDR video, cd/m^2, shown as white of an SDR screen (ITU-R BT.2408-7, 2.1).
WHITE_NITS = 203.0
# Peak of the HLG reference display, cd/m^2, and its system gamma (ITU-R BT.2100-2, table 5).
HLG_PEAK_NITS = 1000.0
HLG_GAMMA = 1.2
# Up to here (of SDR white) light is kept; above it rolls off towards white, so faces keep theirs.
KNEE = 0.75
# Gamma of an SDR screen.
SCREEN_GAMMA = 2.2
# Linear light, BT.2020 primaries to BT.709 primaries (ITU-R BT.2087-0, annex 2), for R, G, B.
BT709_FROM_BT2020 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)


class Transfer(enum.IntEnum):
    """The HDR transfer functions, by their number in ITU-T H.273."""

    PQ = 16
    HLG = 18


def transfer_from_tag(tag: int) -> Transfer | None:
    """Returns the HDR transfer function a frame's tag names; None for every SDR one."""
    return Transfer(tag) if tag in (Transfer.PQ, Transfer.HLG) else None


def sdr_from_hdr(image_bgr: Image, transfer: Transfer) -> Image:
    """Returns the SDR picture (BT.709, gamma 2.2) of an HDR one: uint8 (H, W, 3), BGR.

    HLG's system gamma is applied per channel, not on luminance: a little more saturated than
    BT.2100 specifies, and a table instead of three passes.
    """
    light = cv2.LUT(image_bgr, _LIGHT[transfer])  # float32, linear, BT.2020, 1 = SDR white
    light = cv2.transform(light, _BGR_MATRIX)
    np.clip(light, 0, 1, out=light)
    # Half way to gamma: 8 bits of a square root lose nothing that the last table needs.
    roots = cv2.convertScaleAbs(cv2.sqrt(light), alpha=255)
    return np.asarray(cv2.LUT(roots, _CODE_FROM_ROOT), dtype=np.uint8)


def _hlg_nits(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns display light of HLG signal values in [0, 1] (BT.2100-2, table 5)."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return np.asarray(HLG_PEAK_NITS * scene**HLG_GAMMA, dtype=np.float64)


def _pq_nits(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns display light of PQ signal values in [0, 1] (BT.2100-2, table 4)."""
    m1, m2 = 2610 / 16384, 2523 / 32
    c1, c2, c3 = 3424 / 4096, 2413 / 128, 2392 / 128
    root = signal ** (1 / m2)
    light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return np.asarray(10_000 * light, dtype=np.float64)


def _roll_off(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns light in [0, 1): itself up to the knee, then smoothly ever closer to white."""
    room = 1 - KNEE
    above = KNEE + room * (1 - np.exp(-np.maximum(light - KNEE, 0) / room))
    return np.where(light <= KNEE, light, above)


_SIGNAL = np.arange(256) / 255
_LIGHT = {
    Transfer.HLG: _roll_off(_hlg_nits(_SIGNAL) / WHITE_NITS).astype(np.float32),
    Transfer.PQ: _roll_off(_pq_nits(_SIGNAL) / WHITE_NITS).astype(np.float32),
}
_BGR_MATRIX = np.ascontiguousarray(BT709_FROM_BT2020[::-1, ::-1], dtype=np.float32)
_CODE_FROM_ROOT = np.round(255 * (_SIGNAL**2) ** (1 / SCREEN_GAMMA)).astype(np.uint8)
