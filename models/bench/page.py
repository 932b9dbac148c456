"""Tells what the bench measured: as lines, and as a page of the docs with its picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.bench.growth import as_svg
from realtime.errors import ConfigError

BEGIN, END = "<!-- bench: what follows is written by `phosphene bench --docs` -->", "<!-- end of bench -->"
_BESIDE = ("machine", "quick", "load", "goals")  # entries of a result that are no section


def as_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The result for a terminal: the machine, every number with its spread, every goal."""
    yield f"{result['machine']['name']}; load {result['load'][0]:.1f} to {result['load'][1]:.1f}"
    for name, value, spread in _numbers(result):
        between = f"  ({spread[0]:g} to {spread[1]:g})" if spread else ""
        yield f"{name:44} {value if isinstance(value, str) else f'{value:g}'}{between}"
    for goal in result["goals"]:
        yield f"{'met ' if goal['met'] else 'MISS'}  {_goal(goal)}"


def write_page(result: Mapping[str, Any], folder: Path) -> None:
    """Put the numbers into `folder`/performance.md, between its two marks, and the picture beside it."""
    page = folder / "performance.md"
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ConfigError(f"{page} lacks the marks between which the numbers stand: {BEGIN} and {END}")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(f"{before}{BEGIN}\n\n{as_markdown(result)}\n{END}{after}", encoding="utf-8")
    if "growth" in result:
        (folder / "performance.svg").write_text(as_svg(result["growth"]), encoding="utf-8")


def as_markdown(result: Mapping[str, Any]) -> str:
    told = result["machine"]
    versions_told = ", ".join(f"{name} {text}" for name, text in told["versions"].items())
    lines = [
        f"{told['name']}; {told['threads']} thread(s) an operation; {versions_told}.",
        f"Load average {result['load'][0]:.1f} at the beginning and {result['load'][1]:.1f} at the end.",
        "",
        *_table(("goal", "measured", "wanted", ""), (_goal_row(goal) for goal in result["goals"])),
        "",
        *_table(
            ("", "median", "four of five lie between"),
            (
                (name, value if isinstance(value, str) else f"{value:g}", _between(spread))
                for name, value, spread in _numbers(result)
            ),
        ),
    ]
    return "\n".join(lines) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _goal_row(goal: Mapping[str, Any]) -> tuple[str, str, str, str]:
    sign = "≤" if goal["most"] else "≥"
    unit = f" {goal['unit']}".rstrip()
    return (
        goal["name"],
        f"{goal['value']:g}{unit}",
        f"{sign} {goal['goal']:g}{unit}",
        "met" if goal["met"] else "**missed**",
    )


def _goal(goal: Mapping[str, Any]) -> str:
    name, value, wanted, _ = _goal_row(goal)
    return f"{name}: {value} (wanted {wanted})"


def _between(spread: Sequence[float] | None) -> str:
    return f"{spread[0]:g} – {spread[1]:g}" if spread else ""


def _numbers(result: Mapping[str, Any]) -> Iterator[tuple[str, Any, Sequence[float] | None]]:
    """Every measured number by its dotted name, with its spread."""
    for name, section in result.items():
        if name not in _BESIDE:
            yield from _leaves(name, section)


def _leaves(name: str, node: Any) -> Iterator[tuple[str, Any, Sequence[float] | None]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if not key.endswith("_spread"):
                spread = node.get(f"{key}_spread")
                yield from ([(f"{name}.{key}", value, spread)] if spread else _leaves(f"{name}.{key}", value))
    elif isinstance(node, list):
        for row in node:
            yield f"{name}.{row['at']}", row["tick_ms"], row["tick_ms_spread"]
    elif node is not None:
        yield name, node, None
