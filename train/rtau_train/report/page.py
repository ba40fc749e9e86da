"""Puts the report of a study together, and writes it as HTML and as Markdown.

Chooses and orders sections; their content is made by their own modules. Called by
`rtau-train report` and by the study.
"""

from __future__ import annotations

from pathlib import Path

from rtau_train.report.au_tables import compared_section, f1_sections
from rtau_train.report.data_tables import counts_section, settings_section
from rtau_train.report.differences import differences_section, doubts_section
from rtau_train.report.document import Document
from rtau_train.report.emotion_tables import emotion_sections
from rtau_train.report.heatmaps import heatmaps_section
from rtau_train.report.html import as_html
from rtau_train.report.markdown import as_markdown
from rtau_train.report.overview import overview_section
from rtau_train.report.provenance import record_section
from rtau_train.report.published.tables import paper1, paper2
from rtau_train.report.results import StudyResults
from rtau_train.report.run_details import (
    calibration_section,
    curves_section,
    details_section,
    groups_section,
    matrices_section,
)
from rtau_train.whole_file import write_whole

HTML_NAME = "index.html"
MARKDOWN_NAME = "report.md"


def document_of(results: StudyResults, /) -> Document:
    """Returns the report of a study, free of any format."""
    is_paper_1 = results.study.study == "paper1"
    judged = (
        [*f1_sections(results), compared_section(results), matrices_section(results)]
        if is_paper_1
        else emotion_sections(results)
    )
    sections = (
        overview_section(results),
        *judged,
        heatmaps_section(results),
        curves_section(results),
        calibration_section(results),
        groups_section(results),
        counts_section(results),
        settings_section(results),
        differences_section(results),
        doubts_section(results),
        details_section(results),
        record_section(results),
    )
    paper = paper1().attribution if is_paper_1 else paper2().attribution
    shown = tuple(section for section in sections if section is not None and section.blocks)
    return Document(results.study.heading, f"Beside {paper}", shown)


def write_report(results: StudyResults, /, *, out: Path) -> tuple[Path, Path]:
    """Writes index.html and report.md into a folder, which is made; returns both paths."""
    document = document_of(results)
    out.mkdir(parents=True, exist_ok=True)
    html, markdown = out / HTML_NAME, out / MARKDOWN_NAME
    write_whole(html, as_html(document))
    write_whole(markdown, as_markdown(document, page=HTML_NAME))
    return html, markdown
