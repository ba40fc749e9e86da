"""Reads the Dataset on Emotions among Mexicans: a manifest with DEM's own demands.

The form in which DEM is distributed is not documented, so its owner fills the manifest that
docs/data-sets.md specifies. Reads nothing itself. Called by the command line.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final, Literal

from rtau.errors import SourceOpenError
from rtau.facs import DISFA_PLUS_AUS
from rtau_train.datasets.prepare import manifest, values
from rtau_train.datasets.prepare.listing import Listing

# First paper, section II.C.1: "The final image sizes were 244 x 244 for DEM".
SIZE_PX: Final = 244
AUS: Final = tuple(au.label for au in DISFA_PLUS_AUS)


def read(source: Path, /, *, kind: Literal["intensity", "emotion"] = "intensity") -> Listing:
    """Returns what DEM's manifest lists: AU intensities 0-5, or one emotion per image.

    Raises:
        SourceOpenError: there is no manifest, an AU of the paper is missing, or no row can be used.
        UsageError: a column has a name that cannot be kept.
    """
    listing = manifest.read_manifest(source, kind=kind, dataset="dem", size_px=SIZE_PX)
    if kind == "emotion":
        return dataclasses.replace(listing, labels=(*values.EMOTIONS, values.CONTEMPT))
    missing = [label for label in AUS if label not in listing.labels]
    if missing:
        raise SourceOpenError(
            f"{source}: the paper's twelve AUs are needed, {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing; leave cells empty for what was not "
            "coded"
        )
    return listing
