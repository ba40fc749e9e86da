"""`rtau doctor`: reports what works on this machine, and how to fix what does not.

Prints the findings of `rtau.cli._doctor_checks` as a table or as JSON. Exit code 0 if rtau can run,
1 if something it needs is broken.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence

from rtau.cli import gpu_check
from rtau.cli._doctor_checks import Finding, check_all
from rtau.errors import UsageError

STYLES = {"ok": "green", "note": "yellow", "broken": "bold red"}


def run(args: argparse.Namespace) -> int:
    """Prints the report; returns 0 if rtau can run here, otherwise 1.

    Raises:
        RtauError: models were given without `--gpu`, or there is no GPU.
    """
    if args.gpu:
        return gpu_check.run(args)
    if args.models:
        raise UsageError(
            f"models are checked with --gpu only; run: rtau doctor --gpu {args.models[0]}"
        )
    findings = check_all()
    if args.json:
        print(as_json(findings))
    else:
        show(findings)
    return exit_code(findings)


def exit_code(findings: Sequence[Finding]) -> int:
    """Returns 1 if anything is broken, otherwise 0."""
    return int(any(finding.state == "broken" for finding in findings))


def as_json(findings: Sequence[Finding]) -> str:
    """Returns the report as JSON: `ok` and the list of findings."""
    rows = [dataclasses.asdict(finding) for finding in findings]
    return json.dumps({"ok": exit_code(findings) == 0, "findings": rows}, indent=2)


def show(findings: Sequence[Finding]) -> None:
    """Prints the report as a table, or as plain lines if rich itself is broken."""
    try:
        from rich.console import Console  # noqa: PLC0415 - rich may be broken
        from rich.table import Table  # noqa: PLC0415 - as above
    except ImportError:
        _show_plainly(findings)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "check", "result"):
        table.add_column(title, overflow="fold")
    for finding in findings:
        style = STYLES[finding.state]
        table.add_row(f"[{style}]{finding.state}[/]", finding.subject, _escaped(finding.value))
    console = Console(soft_wrap=False)
    console.print(table)
    for finding in _with_remedy(findings):
        # Unwrapped and unstyled, so that the command can be copied.
        console.print(f"\n{finding.subject}: {finding.value}", style=STYLES[finding.state])
        console.print(f"  {finding.remedy}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"\n{_verdict(findings)}", style="bold")


def _show_plainly(findings: Sequence[Finding]) -> None:
    for finding in findings:
        print(f"{finding.state:7}{finding.subject}: {finding.value}")
    for finding in _with_remedy(findings):
        print(f"\n{finding.subject}: {finding.value}\n  {finding.remedy}")
    print(f"\n{_verdict(findings)}")


def _with_remedy(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.remedy]


def _verdict(findings: Sequence[Finding]) -> str:
    broken = [finding.subject for finding in findings if finding.state == "broken"]
    if broken:
        return f"rtau cannot run here until this is fixed: {', '.join(broken)}."
    return "rtau can run here."


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
