"""Writes the card of an alignment file from measured figures.

Text and tables only; `assess.py` measures. Called by `command.py`.
"""

# ruff: noqa: E501 -- rows of Markdown tables

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from rtau.faces.alignment_contract import AlignmentContract
from rtau_train.face_alignment.assess import Figures
from rtau_train.face_alignment.backgrounds import FREE_PICTURES
from rtau_train.face_alignment.material import HELD_OUT_PICTURES
from rtau_train.face_alignment.measures import PASSES, Errors, FalseHits
from rtau_train.face_alignment.recipe import Recipe

_Key = TypeVar("_Key", bound=tuple[str, ...])

_WHO: Final = {"haar": "Haar's cascade, no neighbours asked for", "any": "anywhere"}
_WEAK_HITS: Final = 0.05
_WEAK_RECALL: Final = 0.95

_HEAD = """\
# {name}

{network}; {size}x{size} px grey crops, presence and 68 points, {kilobytes:.0f} kB.

Says of a crop around a guessed box whether it shows a face, and where the face's points lie. Boxes
are followed and proposals of a detector are verified with it. It does not say who somebody is, and
nothing about an expression.

## Use

Input `crops`: uint8 (N, {size}, {size}), grey, any N. A crop is a square of {expand} times the face
square, with one centre and turned alike. Outputs: `presence_logit` float32 (N,), whose sigmoid is a
probability; `points` float32 (N, 68, 2), iBUG's order, px in the crop (continuous: pixel i covers
i to i + 1). The face square follows from the points (`rtau/squares.py`,
`squares_from_points`, with the contract's `points`): it is the square that rtau's Haar detector
would put on the same face if it stood upright, in the median of the portraits trained on.

Learnt as faces: squares up to {shift} sides off, up to {scale:.2f} times too large or small, turned
by up to {roll:.0f} degrees. Learnt as none: squares more than half a side off, less than half or more
than twice the size, faces upside down (turned by 95 degrees or more), backs of heads. In between
nothing was asked for. Read presence after a second pass along the first one's square.

**Not to be used** to find out whether somebody is a real person, alive, or who they are; to count or
follow people in public places; to decide anything about a person. Drawn, printed and animals' faces
were not trained for: either answer may come.

## Data

Trained on: {training_data}.
Licence of the weights: {licence}.

| part | origin | licence |
|---|---|---|
| {heads:,} rendered heads and {crops:,} rendered crops | ICT-FaceKit (geometry, expressions) | MIT, (c) 2020 USC ICT |
| their sex, age and origin, hair, brows | MakeHuman base assets | CC0 |
| their skins | older version of the MakeHuman skins, stamped PUBLICDOMAIN; released as CC0 in 2020, these bytes are not identical to that release | treated as public domain |
| generated portraits | faker-js/assets-person-portrait, made with Stable Diffusion 3; every second one by name, the others report below | CC0 |
| generated portraits | SFHQ-T2I, made with FLUX, SDXL and DALL-E 3; one sheet in {every_sheet} is held out | files MIT, (c) David Beniaguev; the terms of the generators restrict some uses |
| 100 stock photographs of real people | cjdowner/interfaces, without model releases | CC0 by its README |
| pictures without people, shipped by scikit-image: {pictures} | see names | CC0 or public domain |
| {scenes:,} drawn scenes of {kinds} kinds | `train/rtau_train/face_alignment/scenes.py` | this project's |

The points of portraits are those of `shufflenetv2-au14`, read anew until they hold still: errors of
that network are learnt too, and point errors on portraits below are differences from it.
Of these pictures nothing was learnt: {held_out_pictures}.

"""

_LIMITS = """\
## Known failures and limits

{failures}
* Faces turned to a side by more than 60 degrees were not rendered; profiles are not known.
* Groups are the renderer's own settings, and renders look like game faces, not like photographs.
* The only photographs of real people it learnt from are 100 portraits of people who look at the
  camera, most of them smiling. How it does on a crowd, on film or in infrared light was not measured.
* Crops of pure pixel noise at full contrast are not refused surely: presence is about .6.
* Faces that share a crop with another one, and faces in mirrors or on screens, have no table here.

## Contract

| | |
|---|---|
| weights SHA-256 | `{weights}` |
| recipe | `{recipe}` |
| exported from commit | `{commit}` |
| calibration | {calibration} |
| ONNX opset | {opset}, fp32, first node a cast |
| largest difference from torch | {dlogit:.1g} (logit), {dpoint:.1g} px |

This file is written by `rtau-train face-align`; do not edit it by hand.
"""


def card_text(
    figures: Figures, contract: AlignmentContract, recipe: Recipe, /, *, file_bytes: int, kinds: int
) -> str:
    """Returns the card."""
    parity = contract.parity
    assert parity is not None, "an exported file says how far it is from torch"
    trained_on = [n for n in FREE_PICTURES if n not in HELD_OUT_PICTURES]
    head = _HEAD.format(
        name=contract.name,
        network=contract.network,
        size=contract.input_size,
        kilobytes=file_bytes / 1000,
        expand=contract.expand,
        shift=contract.max_shift,
        scale=contract.max_scale,
        roll=contract.max_roll_deg,
        training_data=contract.training_data,
        licence=contract.licence,
        heads=recipe.data.heads - recipe.data.held_out_heads,
        crops=recipe.data.rendered_crops,
        every_sheet=recipe.data.every_sheet,
        pictures="; ".join(FREE_PICTURES[name] for name in trained_on),
        scenes=recipe.data.scenes,
        kinds=kinds,
        held_out_pictures="; ".join(FREE_PICTURES[name] for name in HELD_OUT_PICTURES),
    )
    limits = _LIMITS.format(
        failures="\n".join(_failures(figures)),
        weights=contract.weights_sha256,
        recipe=contract.recipe,
        commit=contract.git_commit,
        calibration=contract.calibration.origin,
        opset=contract.opset,
        dlogit=parity.max_dlogit,
        dpoint=parity.max_dpoint_px,
    )
    return head + _measured(figures) + limits


def _measured(figures: Figures) -> str:
    parts = [
        "## Turned portraits\n",
        "Held-out generated portraits, given their own square with Haar's scatter (sd .03 sides, "
        "side 5 %), turned by so many degrees against the face. Found: presence .5 or more. Portraits whose upright face Haar does not find have no points and are left out: of 100, those that are counted remain.\n",
        _table(("degrees",), {(str(roll),): e for roll, e in figures.portraits.items()}),
        "## Boxes thrown off\n",
        "Standard deviations: of each coordinate in sides, 1.2 times that for the logarithm of the "
        "side, and of the roll as many degrees as the shift has hundredths. What remains after "
        "each pass along the points.\n",
        _table(
            ("faces", "thrown off by"),
            {(name, f"{shift:.0%}"): e for (name, shift), e in figures.throws.items()},
        ),
        "## Groups\n",
        "Held-out rendered heads before held-out scenes, upright squares with Haar's scatter. "
        "`skin_tone` 1 is the lightest, 6 the darkest; `age_group` 0 young, 1 middle-aged, 2 old.\n",
        _table(("group", "value"), figures.groups),
        "### Covered faces\n",
        _table(("before the face",), {(k,): e for k, e in figures.occluded.items()}),
        "### Small faces\n",
        _table(("side in the frame, px",), {(str(k),): e for k, e in figures.sizes.items()}),
        "## False hits\n",
        "Windows without a face in held-out scenes. Aligned: presence is .5 or more there and once "
        "more after the square has followed the points, as a tracker asks.\n",
        _hits(figures.hits),
        _photographs(figures),
        "## Time\n",
        "ONNX Runtime, one core: "
        + ", ".join(
            f"{ms:.2f} ms a face in a batch of {n}" for n, ms in figures.milliseconds.items()
        )
        + ".\n",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _table(heads: Sequence[str], rows: Mapping[_Key, Errors]) -> str:
    columns = [*heads, "faces", "found, pass 1", "pass 2", "pass 3"]
    columns += ["centre, % of the side", "side, %", "roll, degrees", "points, % of the side"]
    lines = [_line(columns), _line(["---"] * len(columns))]
    for key, errors in rows.items():
        cells = [*key, str(errors.faces), *(f"{share:.1%}" for share in errors.found)]
        for values, unit in ((errors.centre, 100), (errors.side, 100), (errors.roll_deg, 1)):
            cells.append(" ".join(f"{unit * value:.1f}" for value in values))
        cells.append(" ".join(f"{100 * value:.1f}" for value in errors.points))
        lines.append(_line(cells))
    return "\n".join(lines) + f"\n\nErrors are medians after passes 1 to {PASSES}.\n"


def _hits(hits: Mapping[tuple[str, str], FalseHits]) -> str:
    columns = ["scene", "proposed by", "windows", "presence .5", "presence .9", "aligned"]
    lines = [_line(columns), _line(["---"] * len(columns))]
    for (kind, who), some in sorted(hits.items()):
        shares = (some.over_half, some.over_nine, some.aligned)
        cells = [kind, _WHO[who], f"{some.windows:,}", *(f"{share:.2%}" for share in shares)]
        lines.append(_line(cells))
    for who, words in _WHO.items():
        some_of = [one for (_, name), one in hits.items() if name == who]
        windows = sum(one.windows for one in some_of)
        means = [
            sum(getattr(one, field) * one.windows for one in some_of) / max(windows, 1)
            for field in ("over_half", "over_nine", "aligned")
        ]
        lines.append(_line(["**all**", words, f"{windows:,}", *(f"{m:.2%}" for m in means)]))
    return "\n".join(lines) + "\n"


def _photographs(figures: Figures) -> str:
    if figures.photographs is None:
        return ""
    found, count = figures.photographs
    return (
        "## Photographs of people\n\n"
        f"Presence is .5 or more on {found} of {count} photographs of people that nothing was learnt "
        "from: the Face Research Lab London Set (DeBruine & Jones 2017, doi "
        "10.6084/m9.figshare.5047666.v5, CC-BY 4.0), frontal, studio light.\n"
    )


def _failures(figures: Figures) -> list[str]:
    """Returns what the tables say is weak, in lines."""
    lines = []
    for (kind, who), some in figures.hits.items():
        if who == "haar" and some.aligned >= _WEAK_HITS:
            lines.append(
                f"* {kind}: {some.aligned:.0%} of Haar's proposals still look like a face."
            )
    for (name, value), errors in figures.groups.items():
        if errors.found[1] < _WEAK_RECALL:
            lines.append(f"* {name} {value}: found in {errors.found[1]:.0%} on the second pass.")
    for size, errors in figures.sizes.items():
        if errors.found[1] < _WEAK_RECALL:
            lines.append(
                f"* Faces of {size} px: found in {errors.found[1]:.0%} on the second pass."
            )
    worst = max(figures.throws.values(), key=lambda errors: errors.side[-1])
    lines.append(
        f"* The side is the weakest figure: up to {worst.side[-1]:.1%} off in the median after "
        f"{PASSES} passes."
    )
    return lines


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
