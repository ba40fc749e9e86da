"""Writes what the card of an alignment file says of its output `occlusion_logit`.

Text and tables only; `assess.py` measures. Called by `command.py`.
"""

# ruff: noqa: E501 -- rows of Markdown tables

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from rtau.faces.alignment_contract import OcclusionOutput
from rtau_train.face_occlusion import covers
from rtau_train.face_occlusion.assess import AS_PICTURED, Figures, Share
from rtau_train.face_occlusion.covers import COVERED
from rtau_train.face_occlusion.examples import FREE_KINDS
from rtau_train.face_occlusion.recipe import Recipe

_TITLE: Final = "## Occlusion\n"
_BEFORE: Final = "## Time\n"
_ALL: Final = "**all covers drawn for this**"

_TEXT: Final = """\
## Occlusion

Output `occlusion_logit`, float32 (N,): its sigmoid is the probability that something covers a part of the
face (eyes, brows, nose, mouth, cheeks, chin): a hand, a mask, a cup, a phone, a microphone, a scarf, a page,
hair over an eye, dark glasses. Spectacles, beards, hats, a fringe over the forehead, make-up and shadows are
no cover, nor is the far side of a turned head. A face counts as covered from {limit} on (`occlusion.limit` of
the contract); covered pictures hide {face:.0%} of the face or half of an eye or the mouth, free ones next to
nothing. The output is a branch of three convolutions on maps of the network above, which is unchanged:
presence and points are those of a file without it, to the byte. Presence does not fall where a face is
covered; this is what tells.

Covers are drawn by code over faces that are free: {portraits:,} portraits and photographs and {renders:,}
renders were learnt from, none of which is below. Covers of the kind **{unseen}** were never drawn for it. "Rendered"
covers are those of the renderer ([docs/synth.md](../docs/synth.md)), other code. Seven pictures in ten went through mild
flaws of a camera (exposure, contrast, 40 px and more, blur, noise, JPEG); what is dark, small or blurred is flagged for that.
**Drawn covers are easier than others**: of the {real}, which nobody drew here, far fewer are flagged, and of
the renderer's about half as many. Read the flag as: what it marks is most likely covered; what it does not may be
as well.

{kinds}

"Adorned": spectacles, beard, hat, fringe, curtains of hair, shadow, make-up or marks drawn on. "Beside": a thing
near the face that hides nothing of it.

False alarms on held-out rendered heads with nothing before them, by group:

{groups}

Weights SHA-256 `{weights}`, recipe `{recipe}`, written from commit `{commit}`. Calibration and limit:
{origin}. Largest difference from torch: {dlogit:.1g} (logit).
One face takes {without:.2f} ms of a core without this output, {with_it:.2f} ms with it (time of the process, batch of one).

"""


def with_section(card: str, section: str, /) -> str:
    """Returns a card with a section on occlusion, in place of one it has, before that on time."""
    first, found, rest = card.partition(_TITLE)
    if found:
        return first + section + _BEFORE + rest.partition(_BEFORE)[2]
    first, found, rest = card.partition(_BEFORE)
    return first + section + found + rest


def section(
    figures: Figures,
    occlusion: OcclusionOutput,
    recipe: Recipe,
    /,
    *,
    learnt: tuple[int, int],
) -> str:
    """Returns the section.

    Args:
        figures: what was measured.
        occlusion: what the contract says of the output.
        recipe: of the fit.
        learnt: portraits and renders that were learnt from.
    """
    photographs = [share for (_, name), share in figures.kinds.items() if name == AS_PICTURED]
    return _TEXT.format(
        limit=occlusion.limit,
        face=COVERED[0],
        portraits=learnt[0],
        renders=learnt[1],
        unseen=recipe.data.unseen_kind,
        real=f"{sum(share.count for share in photographs)} pictures under “{AS_PICTURED}”",
        kinds=_kinds(figures.kinds),
        groups=_groups(figures.groups),
        weights=occlusion.weights_sha256,
        recipe=occlusion.recipe,
        commit=occlusion.git_commit,
        origin=occlusion.origin,
        dlogit=occlusion.max_dlogit,
        without=figures.milliseconds[0],
        with_it=figures.milliseconds[1],
    )


def _kinds(shares: Mapping[tuple[str, str], Share]) -> str:
    """Returns the share flagged by kind, a column for each set."""
    sets = list(dict.fromkeys(name for _, name in shares))
    kinds = list(dict.fromkeys(kind for kind, _ in shares if kind not in FREE_KINDS))
    table = dict(shares)
    for name in sets:
        drawn = [table[kind, name] for kind in covers.KINDS if (kind, name) in table]
        if drawn:
            table[_ALL, name] = Share(sum(s.flagged for s in drawn), sum(s.count for s in drawn))
    lines = [_line(["before the face: share flagged", *sets]), _line(["---"] * (len(sets) + 1))]
    lines += [
        _line([kind, *(_cell(table.get((kind, name))) for name in sets)])
        for kind in (*kinds, _ALL, *FREE_KINDS)
    ]
    return "\n".join(lines)


def _groups(shares: Mapping[tuple[str, str], Share]) -> str:
    lines = [_line(["group", "value", "flagged"]), _line(["---"] * 3)]
    lines += [_line([*key, _cell(share)]) for key, share in shares.items()]
    return "\n".join(lines)


def _cell(share: Share | None) -> str:
    return "" if share is None else f"{share.share:.1%} of {share.count}"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
