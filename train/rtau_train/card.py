"""Writes the card of a model as Markdown: what it is, what it may be used for, how good it is.

Every number comes from an evaluation or a contract, none is typed by hand; the words about data
and limits belong to models trained on renders. Called by the command line.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

from rtau.contract import ModelContract, read_sidecar
from rtau.errors import ContractError, UsageError
from rtau_train.checkpoint import Model
from rtau_train.figures import RunFigures
from rtau_train.figures_table import figures_table, groups_table

# So many AUs of lowest AUC are named among the failures.
WEAKEST = 3

_CARD = """\
# {name}

A first model for `rtau`: {network}, {size}x{size} px crops, {labels} Action Units, \
{megabytes:.1f} MB.

> **It was trained and measured on rendered faces only. No figure here is about photographs of
> real people.** Expect it to be worse on them, unevenly so from AU to AU and from person to
> person. Measure it on your own coded data before you rely on it.

AUs are not emotions. An AU says that a muscle action is visible, not what the person feels,
thinks or is about to do.

## Use

For trying out `rtau`, for building and testing software on it, and for teaching what FACS
describes. Each output is a probability-like score of one AU, not a calibrated probability and not
an intensity.

**Not to be used** for surveillance; for hiring, promotion or dismissal; in policing, border
control or courts; to infer emotions or intentions of people at work or at school; for medical or
psychological decisions; for any decision about a person without their informed consent.

## Data

{training_data}.

Every picture is another head shape, lit, posed and degraded at random; AU intensities (0-5) are
what the renderer was told, not what human coders saw. An AU counts as present from intensity 2 on.

| part | origin | licence |
|---|---|---|
| geometry, expression shapes | ICT-FaceKit | MIT, (c) 2020 USC ICT |
| sex, age and ethnicity shapes, hair, eyebrows, eyes, teeth | MakeHuman base assets | CC0 |
| 14 skin textures | older version of the MakeHuman skins, stamped PUBLICDOMAIN; its owners \
released the set as CC0 in 2020, these bytes are not identical to that release | treated as \
public domain |

Network weights started from random numbers: no ImageNet, no photograph of a person. Licence of
the weights: {licence}.

## Figures on held-out renders

{rows} renders of heads that neither training nor the choice of thresholds saw. Skins (14),
eyebrows and hair styles are the same as in training, so this is the easy case.

Thresholds: {thresholds_origin}. F1 is given at probability 0.5, with its 95 % bootstrap interval
over people, and at the threshold.

{table}

Always saying "present" would score a macro-F1 of {all_positive:.3f}.

### By group

{groups}

Groups are the renderer's own settings. `african` are the dark skins; `age_group` 0 is young,
1 middle, 2 old. {men:.0%} of the held-out heads are male.

## Known failures

* Weakest even on renders like those it was trained on: {weakest}.
* Rendered AUs are drawn from blend shapes and painted wrinkles; real furrows, teeth, beards,
  glasses, make-up, hands and hair over the face look otherwise.
* Heads turned or tilted by more than 25 degrees were never seen; nor were profiles.
* Small, blurred and dark faces were in the training renders, but were not measured apart.
* The renders have no young dark-skinned woman and more men than women.
* Neutral faces differ between people: a resting face may sit above a threshold. Compare a person
  with their own neutral face where you can.
* Heatmaps ({cams}) show where a score comes from, on a 7x7 grid; they do not prove that the score
  is right. Looked at on renders, those of AU12 and AU20 often lie on the chin or the lower edge
  of the crop, below the mouth that moves.

## Contract

| | |
|---|---|
| weights SHA-256 | `{weights_sha256}` |
| file SHA-256 | `{file_sha256}` |
| recipe | `{recipe}`, {epochs} epochs |
| exported from commit | `{git_commit}` |
| crop | {detector} box, side x {expand}, centre moved right {offset_x}, down {offset_y} sides |
| ONNX opset | {opset}, {precision} |

This file is written by `rtau-train card`; do not edit it by hand.
"""


def model_card(model: Model, figures: RunFigures, /, *, model_file: Path) -> str:
    """Returns the card of an exported model as Markdown.

    Raises:
        ContractError: the file was exported from other weights than those that were judged.
        UsageError: the model says emotions; the card's words are about Action Units.
    """
    if figures.means is None:
        raise UsageError("a card can be written of a model of Action Units only")
    contract = read_sidecar(model_file)
    if contract.weights_sha256 != model.weights_sha256():
        raise ContractError(
            f"{model_file} was exported from other weights; run `rtau-export onnx` again"
        )
    return _CARD.format(
        **_contract_words(contract),
        table=figures_table(figures),
        groups=groups_table(figures),
        rows=f"{figures.test.rows:,}",
        all_positive=figures.means.macro_f1_all_positive,
        men=_share(figures, column="sex", value="m"),
        weakest=_weakest(figures),
        epochs=model.epochs_done,
        megabytes=model_file.stat().st_size / 1e6,
        file_sha256=hashlib.sha256(model_file.read_bytes()).hexdigest(),
    )


def _contract_words(contract: ModelContract) -> dict[str, object]:
    return {
        "name": contract.name,
        "network": contract.network,
        "size": contract.input_size,
        "labels": len(contract.labels),
        "cams": contract.cam_method or "none in this file",
        "detector": contract.crop.detector,
        "expand": contract.crop.expand,
        "offset_x": contract.crop.offset_x,
        "offset_y": contract.crop.offset_y,
        **{
            field: getattr(contract, field)
            for field in (
                *("training_data", "licence", "thresholds_origin", "weights_sha256"),
                *("recipe", "git_commit", "opset", "precision"),
            )
        },
    }


def _weakest(figures: RunFigures) -> str:
    """Returns the labels of lowest AUC, lowest first; one that never occurred has no AUC."""
    known = sorted((row.auc, row.label) for row in figures.labels if not math.isnan(row.auc))
    return ", ".join(f"{label} (AUC {auc:.2f})" for auc, label in known[:WEAKEST])


def _share(figures: RunFigures, *, column: str, value: str) -> float:
    """Returns the share of rows in a group; 0 where the data do not name it."""
    rows = [g.rows for g in figures.groups if (g.column, g.value) == (column, value)]
    return sum(rows) / figures.test.rows
