"""Counts what a prepared folder holds, beside what the papers say of the same data set.

Returns Markdown for the terminal; reads and writes nothing. Called by the command line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rtau.facs import words_for_label
from rtau_train.datasets.labelled_crops import OCCURS_FROM
from rtau_train.datasets.prepare.listing import SPLITS, Listing, SourceImage
from rtau_train.report.published import dataset_sizes

Images = Sequence[SourceImage]


def counts_table(listing: Listing, images: Images, /) -> str:
    """Returns a head line and a table: images per AU or per emotion, and the paper's numbers.

    Args:
        listing: the data set: its name, its labels.
        images: those that were kept.
    """
    people = {image.subject for image in images if image.subject}
    known = f"{len(people):,} people" if people else "people not known"
    rows = (_au_rows if listing.task == "multi_label" else _emotion_rows)(listing, images)
    return f"{len(images):,} images, {known}{_beside(listing)}\n\n{_markdown(rows)}"


def _beside(listing: Listing) -> str:
    """Returns what the paper says of the whole data set, for the head line."""
    said = {
        "disfa+": f"about {dataset_sizes.DISFA_PLUS_IMAGES:,} images with the neutral ones, "
        f"{dataset_sizes.DISFA_PLUS_PEOPLE} people",
        "dem": f"{dataset_sizes.DEM_IMAGES:,} images, "
        f"{dataset_sizes.DEM_EMOTIONS['neutral']} of them neutral, "
        f"{dataset_sizes.DEM_PEOPLE} people",
        "ckplus": f"{dataset_sizes.CKPLUS_SEQUENCES} sequences, "
        f"{dataset_sizes.CKPLUS_LABELLED} with an emotion, {dataset_sizes.CKPLUS_PEOPLE} people",
        "fer2013": ", ".join(f"{word} {n:,}" for word, n in dataset_sizes.FER2013_USAGE.items()),
    }.get(listing.dataset)
    return f" (paper: {said})" if said else ""


def _au_rows(listing: Listing, images: Images) -> list[tuple[str, ...]]:
    coded = Counter(label for image in images for label in image.labels)
    shown = Counter(
        label
        for image in images
        for label, intensity in image.labels.items()
        if intensity >= OCCURS_FROM
    )
    tables: dict[str, Mapping[str, dataset_sizes.PartCounts]] = {}
    if listing.dataset == "disfa+":
        tables = {"paper, Table 3": dataset_sizes.DISFA_PLUS}
    elif listing.dataset == "dem":
        tables = {
            "paper, Table 4": dataset_sizes.DEM,
            "augmented, Table 5": dataset_sizes.DEM_AUGMENTED,
        }
    rows = [("AU", "action", "coded", "intensity >= 2", *tables)]
    for label in listing.labels:
        said = (str(table[label].total) if label in table else "" for table in tables.values())
        rows.append((label, words_for_label(label), str(coded[label]), str(shown[label]), *said))
    return rows


def _emotion_rows(listing: Listing, images: Images) -> list[tuple[str, ...]]:
    splits = tuple(split for split in SPLITS if any(image.split == split for image in images))
    counted = Counter((image.emotion, image.split) for image in images)
    total = Counter(image.emotion for image in images)
    tables: dict[str, Mapping[str, int]] = {}
    if listing.dataset == "dem":
        tables = {"paper, Table 1": dataset_sizes.DEM_EMOTIONS}
    elif listing.dataset == "fer2013":
        tables = {"paper, PublicTest": dataset_sizes.FER2013_PUBLIC_TEST}
    rows = [("emotion", "images", *splits, *tables)]
    for label in listing.labels:
        parts = (str(counted[label, split]) for split in splits)
        said = (str(table.get(label, "")) for table in tables.values())
        rows.append((label, str(total[label]), *parts, *said))
    return rows


def _markdown(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
