"""`rtau doctor`: says what on this machine works, and what mends what does not.

Shows the findings of `rtau.cli.checks` as a table or as JSON; looks at nothing itself. Exit code 0
when rtau can run, 1 when something it must have is broken. The `rtau` command calls it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence

from rtau.cli import gpu_check
from rtau.cli.checks import Finding, check_all
from rtau.errors import UsageError

STYLES = {"ok": "green", "note": "yellow", "broken": "bold red"}


def run(args: argparse.Namespace) -> int:
    """Prints the report; returns 0 when rtau can run here, 1 when it cannot.

    Raises:
        RtauError: models were given without `--gpu`, or with it there is no GPU.
    """
    if args.gpu:
        return gpu_check.run(args)
    if args.models:
        raise UsageError(
            f"models are looked at with --gpu only: rtau doctor --gpu {args.models[0]}"
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
    """Returns the report for programs: `ok` and the list of findings."""
    rows = [dataclasses.asdict(finding) for finding in findings]
    return json.dumps({"ok": exit_code(findings) == 0, "findings": rows}, indent=2)


def show(findings: Sequence[Finding]) -> None:
    """Prints the report for people; plain lines where rich itself is what is broken."""
    try:
        from rich.console import Console  # noqa: PLC0415 - rich may be what is broken
        from rich.table import Table  # noqa: PLC0415 - as above
    except ImportError:
        _show_plainly(findings)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "looked at", "found"):
        table.add_column(title, overflow="fold")
    for finding in findings:
        style = STYLES[finding.state]
        table.add_row(f"[{style}]{finding.state}[/]", finding.subject, _escaped(finding.value))
    console = Console(soft_wrap=False)
    console.print(table)
    for finding in _with_remedy(findings):
        # Unwrapped and unstyled: a command is there to be copied.
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
        return f"rtau cannot run here until this is mended: {', '.join(broken)}."
    return "rtau can run here."


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
