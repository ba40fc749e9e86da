"""ELAN annotation documents (`.eaf`): writes tiers, reads the codes of people.

Takes and returns text, opens no file.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree

from rtau.analysis.codes import CodedSpan, coded_spans, labels_in
from rtau.errors import UsageError

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_KIND = "au"
_VOCABULARY = "codes"
_FACE = " face "


@dataclasses.dataclass(frozen=True, slots=True)
class ElanTier:
    """One tier of a document."""

    name: str
    """As ELAN shows it: `AU12 face 1`."""
    annotations: tuple[tuple[float, float, str], ...]
    """Onset and offset, seconds, and value, in time."""
    participant: str = ""
    """The person it is about."""


def tier_name(au: str, face: str) -> str:
    """Returns the tier of a label and a face or a seat: `AU12 face 1`, `AU12 face left`."""
    return f"{au}{_FACE}{face}"


def elan_document(
    tiers: Iterable[ElanTier], *, media: str | None, vocabulary: Mapping[str, str] | None = None
) -> str:
    """Returns an ELAN annotation document, format 3.0.

    Args:
        tiers: in order.
        media: path of the video, relative to the document, or None.
        vocabulary: values that ELAN offers for every annotation, with their meaning; None for any
            text.
    """
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "rtau",
            "DATE": "1970-01-01T00:00:00+00:00",  # required, and the same on every run
            "FORMAT": "3.0",
            "VERSION": "3.0",
            f"{{{_XSI}}}noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
        },
    )
    header = _child(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    if media is not None:
        place = {"MEDIA_URL": f"./{media}", "RELATIVE_MEDIA_URL": f"./{media}"}
        _child(header, "MEDIA_DESCRIPTOR", **place, MIME_TYPE="video/mp4")
    order = _child(root, "TIME_ORDER")
    numbers = itertools.count(1)
    slots: list[tuple[int, str]] = []
    for tier in tiers:
        named = {"PARTICIPANT": tier.participant} if tier.participant else {}
        parent = _child(root, "TIER", LINGUISTIC_TYPE_REF=_KIND, TIER_ID=tier.name, **named)
        for onset_s, offset_s, value in tier.annotations:
            ends = []
            for time_s in (onset_s, offset_s):
                ends.append(f"ts{len(slots) + 1}")
                slots.append((round(time_s * 1000), ends[-1]))
            annotation = _child(
                _child(parent, "ANNOTATION"),
                "ALIGNABLE_ANNOTATION",
                ANNOTATION_ID=f"a{next(numbers)}",
                TIME_SLOT_REF1=ends[0],
                TIME_SLOT_REF2=ends[1],
            )
            _child(annotation, "ANNOTATION_VALUE").text = value
    for time_ms, name in sorted(slots):
        _child(order, "TIME_SLOT", TIME_SLOT_ID=name, TIME_VALUE=str(time_ms))
    kind = {"LINGUISTIC_TYPE_ID": _KIND, "TIME_ALIGNABLE": "true", "GRAPHIC_REFERENCES": "false"}
    if vocabulary:
        kind["CONTROLLED_VOCABULARY_REF"] = _VOCABULARY
    _child(root, "LINGUISTIC_TYPE", **kind)
    if vocabulary:
        _add_vocabulary(root, vocabulary)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def elan_spans(text: str) -> tuple[list[CodedSpan], set[str]]:
    """Returns the spans of an ELAN document, and the labels that have tiers of their own.

    The AU is in the name of the tier (`AU12`, `AU12 face 1`), or in the annotations (`AU6+12C`).

    Raises:
        UsageError: it is no ELAN document.
    """
    root = _root(text)
    times = _times_s(root)
    spans: list[CodedSpan] = []
    labels: set[str] = set()
    for tier in root.iter("TIER"):
        name = tier.get("TIER_ID", "")
        of_tier = [label for label, _ in labels_in(name)]
        labels.update(of_tier)
        for one in tier.findall("ANNOTATION/*"):
            place = times.get(one.get("ANNOTATION_ID", "")) or times.get(
                one.get("ANNOTATION_REF", "")
            )
            if place is None or min(place) < 0:
                continue
            value = one.findtext("ANNOTATION_VALUE") or ""
            spans += [
                dataclasses.replace(
                    span, face=name.partition(_FACE)[2], subject=tier.get("PARTICIPANT", "")
                )
                for span in coded_spans(of_tier, value, place)
            ]
    return spans, labels


def elan_media(text: str) -> str | None:
    """Returns the video that an ELAN document names, relative to it where it says so.

    Raises:
        UsageError: it is no ELAN document.
    """
    found = _root(text).find("HEADER/MEDIA_DESCRIPTOR")
    if found is None:
        return None
    return found.get("RELATIVE_MEDIA_URL") or found.get("MEDIA_URL")


def _root(text: str) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - expat limits entities, and loads none
    except ElementTree.ParseError as error:
        raise UsageError(f"not an ELAN document ({error})") from None
    if root.tag != "ANNOTATION_DOCUMENT":
        raise UsageError(f"not an ELAN document, got an XML file of <{root.tag}>")
    return root


def _add_vocabulary(root: ElementTree.Element, vocabulary: Mapping[str, str]) -> None:
    language = {"LANG_ID": "eng", "LANG_DEF": "http://cdb.iso.org/lg/CDB-00138502-001"}
    _child(root, "LANGUAGE", **language, LANG_LABEL="English (eng)")
    listed = _child(root, "CONTROLLED_VOCABULARY", CV_ID=_VOCABULARY)
    for number, (value, meaning) in enumerate(vocabulary.items()):
        entry = _child(listed, "CV_ENTRY_ML", CVE_ID=f"cve{number}")
        _child(entry, "CVE_VALUE", DESCRIPTION=meaning, LANG_REF="eng").text = value


def _child(parent: ElementTree.Element, tag: str, **attributes: Any) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)


def _times_s(root: ElementTree.Element) -> dict[str, tuple[float, float]]:
    """Returns onset and offset of every annotation that has times, seconds; below 0: unknown.

    Raises:
        UsageError: a time is no number, or an annotation names a time that is not there.
    """
    slots = {}
    for slot in root.iter("TIME_SLOT"):
        value = slot.get("TIME_VALUE", "-1")
        if not value.removeprefix("-").isdecimal():
            raise UsageError(f"TIME_VALUE must be a whole number of milliseconds, got {value!r}")
        slots[slot.get("TIME_SLOT_ID", "")] = float(value) / 1000
    times = {}
    for one in root.iter("ALIGNABLE_ANNOTATION"):
        name, ends = one.get("ANNOTATION_ID", ""), ("TIME_SLOT_REF1", "TIME_SLOT_REF2")
        try:
            begin_s, end_s = (slots[one.get(end, "")] for end in ends)
        except KeyError as error:
            raise UsageError(f"annotation {name!r} has the time {error}, which is none") from None
        times[name] = (begin_s, end_s)
    return times
