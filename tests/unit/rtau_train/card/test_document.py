import dataclasses
import re

import pytest

from rtau_train.card import document
from rtau_train.card.record import NeutralMetrics
from tests.support.cards import (
    card_metrics,
    clip_metrics,
    contract,
    london_metrics,
    origins,
    portrait_metrics,
)


def flat(text):
    """The text on one line, as a reader takes it."""
    return re.sub(r"\s+", " ", text.replace("\n> ", "\n"))


def card(**changes):
    return flat(document.card_text(card_metrics(**changes), contract()))


def everything():
    return card(
        origins=origins(has_portraits=True, has_older_skins=True, max_yaw_deg=35, max_pitch_deg=25),
        portraits=portrait_metrics(),
        london=london_metrics(),
        clips=(clip_metrics(0), clip_metrics(1)),
    )


def test_a_card_says_what_a_reader_must_know():
    text = card()

    for part in (
        "# small-au12",
        "2.5 MB",
        "No figure here is about FACS-coded photographs of real people.",
        "trained on rendered faces. It was measured on no photograph of a real person.",
        "AUs are not emotions",
        "surveillance",
        "hiring, promotion or dismissal",
        "policing",
        "infer emotions or intentions",
        "medical",
        "informed consent",
        "MIT, (c) 2020 USC ICT",
        "72 rendered faces",
        "best F1 on a part of its own",
        "| sex | f | 200 |",
        "0" * 64,
        "`rtau-train cardtest`",
    ):
        assert part in text, part


def test_every_au_has_its_row():
    metrics = card_metrics()
    text = document.card_text(metrics, contract())

    for row in metrics.renders.labels:
        assert f"| {row.label} | " in text
        assert (
            f"| {row.auc:.3f} | {row.f1:.3f} | {row.threshold:.3f} | {row.base_rate:.3f} |" in text
        )
    means = metrics.renders.means
    assert f"| **mean** |  | {means.mean_auc:.3f} | {means.macro_f1:.3f} |" in text
    assert f"macro-F1 of {means.macro_f1_all_positive:.3f}" in text


def test_what_was_not_measured_has_no_section():
    bare, full = card(), everything()

    for title in ("## Held-out portraits", "## Neutral and smiling", "## Curves of rendered"):
        assert title not in bare
        assert title in full
    assert "not measured: video, photographs of people, profiles" in bare
    assert "not measured: profiles" in full


def test_portraits_bring_their_chain_and_their_doubts():
    text = everything()

    assert "rendered faces and synthetic portraits" in text
    assert "SFHQ-T2I, made with FLUX, SDXL and DALL-E 3 | files MIT, (c) David Beniaguev" in text
    assert "MediaPipe Face Landmarker, the peer that rtau compares itself with | Apache-2.0" in text
    assert "a peer, not people who code FACS" in text
    assert "2 of them are from sheets that were trained on too" in text
    assert "| AU12 | lip corner puller | 9 | 4 | 0.900 | 0.800 |" in text
    assert "SFHQ" not in card()


def test_skins_have_the_row_of_their_assets():
    older = "stamped PUBLICDOMAIN"

    assert older not in card()
    assert older in card(origins=origins(has_older_skins=True, has_released_skins=False))
    assert card(origins=origins(has_older_skins=True)).count("| skin textures |") == 2


def test_avatars_have_a_row():
    assert "Autodesk" not in card()
    assert "Autodesk Character Generator" in card(origins=origins(has_avatars=True))


def test_a_start_from_imagenet_is_said():
    assert "no ImageNet" in card()
    text = card(origins=origins(starts_from_imagenet=True))
    assert "no ImageNet" not in text
    assert "ImageNet weights of the network's provider" in text


def test_photographs_are_credited_and_faces_not_found_are_said():
    text = everything()

    assert "DeBruine & Jones 2017, doi 10.6084/m9.figshare.5047666.v5, CC-BY 4.0" in text
    assert "| AU17 | chin raiser | 3 of 20 | 15% |" in text
    assert "| AU12 | lip corner puller | 20 | 95% | 0.970 | 60% |" in text
    assert "A face was found in every picture." in text
    missed = card(london=london_metrics(not_found=("a.png", "b.png")))
    assert "In 2 of their 42 pictures no face was found" in missed


def test_clips_have_two_columns_per_face():
    text = everything()

    assert "| AU | two, face 0: r | lag | two, face 1: r | lag |" in text
    assert "| AU01 | 0.20 | -1 | 0.70 | -1 |" in text
    assert "| AU12 | 0.90 | - | 0.90 | - |" in text
    assert "two, face 0 98 of 100, two, face 1 98 of 100" in text


def test_shared_subjects_are_said():
    (renders,) = origins().datasets
    seen = origins(datasets=(dataclasses.replace(renders, shared=5),))

    assert "No subject of a reported row was trained on." in card()
    assert "Of the renders that are reported, 5 of 24 share their subject" in card(origins=seen)


def test_the_weakest_are_computed():
    metrics = card_metrics(london=london_metrics(), clips=(clip_metrics(0), clip_metrics(1)))
    said = document.failures(metrics)

    lowest = sorted((row.auc, row.label) for row in metrics.renders.labels)[:3]
    named = ", ".join(f"{label} (AUC {auc:.2f})" for auc, label in lowest)
    assert said[0] == f"Weakest on held-out renders: {named}."
    last = min(metrics.renders.groups, key=lambda group: group.mean_auc)
    assert f": {last.column} {last.value}, mean AUC {last.mean_auc:.3f} against" in said[1]
    assert "JPEG, quality 20, mean AUC 0.710, 10% of the decisions change" in said[2]
    assert said[3] == "False alarms on 5% or more of the neutral faces: AU17 (15%)."
    assert said[4] == "Follow the truth of the clips least: AU01 (mean r 0.45), AU12 (mean r 0.90)."


def test_few_false_alarms_are_said_too():
    assert "No AU reaches 5%" in card(london=london_metrics(active=0))


def test_small_groups_are_not_called_the_weakest():
    renders = card_metrics().renders
    small = tuple(dataclasses.replace(group, rows=10) for group in renders.groups)
    metrics = card_metrics(renders=dataclasses.replace(renders, groups=small))

    assert not any("Weakest group" in sentence for sentence in document.failures(metrics))


def test_an_au_that_never_occurred_is_not_weak():
    assert document.weakest([(float("nan"), "AU01"), (0.6, "AU02")]) == "AU02 (AUC 0.60)"
    assert document.weakest([(float("nan"), "AU01")]) == "nothing could be judged"


def test_the_words_of_groups_are_about_groups_there_are():
    groups = card_metrics().renders.groups
    aged = (*groups, dataclasses.replace(groups[0], column="age_group", value="2"))

    assert document.group_words(groups) == ""
    assert document.group_words(aged) == "`age_group` 0 is young, 1 middle-aged, 2 old"


def test_limits_of_pose_are_those_of_the_training_renders():
    assert "turned further than" not in card()
    assert "further than 35 degrees to a side or 25 up or down" in everything()


def test_heatmaps_are_spoken_of_where_there_are_some():
    model = dataclasses.replace(card_metrics().model, cam_grid=(7, 7))

    assert "Heatmaps" not in card()
    with_cams = contract(cam_method="gradcam", cam_scale=(1.0,) * 12)
    text = flat(document.card_text(card_metrics(model=model), with_cams))
    assert "Heatmaps (gradcam) show where a score comes from, on a 7x7 grid" in text


@pytest.mark.parametrize("share", [0.05, 0.4])
def test_five_per_cent_is_too_often(share):
    neutral = (NeutralMetrics("AU17", 1, share),)
    london = dataclasses.replace(london_metrics(), neutral=neutral)

    assert f"AU17 ({share:.0%})" in document.failures(card_metrics(london=london))[-1]
