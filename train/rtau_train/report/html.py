"""Writes a report as one HTML page that needs nothing else: styles and pictures are inside.

Knows the document's blocks, not what they say; every text is escaped by Jinja. Called by the page.
"""

from __future__ import annotations

import base64
import itertools
import re
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from rtau_train.report.document import Document, Picture, Table


def as_html(document: Document, /) -> str:
    """Returns the page."""
    environment = Environment(
        loader=PackageLoader("rtau_train.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["kind"] = lambda block, name: type(block).__name__ == name
    environment.filters["data_uri"] = data_uri
    environment.filters["unbroken"] = unbroken
    environment.globals["group_starts"] = group_starts
    style = resources.files(__package__).joinpath("templates/style.css")
    return environment.get_template("page.html").render(
        document=document,
        style=Markup(style.read_text(encoding="utf-8")),  # noqa: S704 - our own file
    )


def unbroken(text: str, /) -> str:
    """Returns a heading whose short second halves stay on the line: macro-F1, not Grad-CAM."""
    return re.sub(r"-(?=\w{1,2}\b)", "\N{NON-BREAKING HYPHEN}", text)


def group_starts(table: Table, /) -> set[int]:
    """Returns the columns, from 0, where a group of columns begins."""
    ends = itertools.accumulate(group.columns for group in table.groups)
    return {end for end in ends if end < len(table.head)}


def data_uri(picture: Picture, /) -> str:
    """Returns a picture as an address that holds its bytes."""
    content = base64.b64encode(picture.content).decode("ascii")
    return f"data:image/{picture.kind};base64,{content}"
