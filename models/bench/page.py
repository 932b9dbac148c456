"""Tells what the bench measured: as lines, and as a page of the docs with its picture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.bench.growth import as_svg
from models.bench.suite import SECTIONS, found, put
from realtime.errors import ConfigError

BEGIN, END = "<!-- bench: what follows is written by `phosphene bench --docs` -->", "<!-- end of bench -->"
_BESIDE = ("machine", "quick", "parts", "load", "goals")  # entries of a result that are no section


def as_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """Write the result for a terminal: the machine, every number with its spread, every goal."""
    yield f"{result['machine']['name']}; load {result['load'][0]:.1f} to {result['load'][1]:.1f}"
    for name, value, spread in _numbers(result):
        between = f"  ({spread[0]:g} to {spread[1]:g})" if spread else ""
        yield f"{name:44} {value if isinstance(value, str) else f'{value:g}'}{between}"
    for goal in result["goals"]:
        yield f"{'met ' if goal['met'] else 'MISS'}  {_goal(goal)}"


def check_page(planned: Mapping[str, Any], folder: Path) -> None:
    """Refuse a page that could not take what is about to be measured: nobody waits for numbers in vain.

    Parameters
    ----------
    planned : mapping
        From `suite.planned`.

    Raises
    ------
    ConfigError
        `folder`/performance.md is missing or has lost its marks, or what it holds beside these parts was
        measured on another machine or with other versions.
    """
    page, kept = folder / "performance.md", folder / "performance.json"
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    if BEGIN not in text or END not in text:
        raise ConfigError(f"{page} lacks the marks between which the numbers stand: {BEGIN} and {END}")
    if planned["parts"] == list(SECTIONS) or not kept.is_file():
        return
    before, here = (_setting(of) for of in (json.loads(kept.read_text(encoding="utf-8")), planned))
    if apart := {name: (before[name], here[name]) for name in here if before.get(name) != here[name]}:
        differ = "; ".join(f"{name} was {was} and is {now}" for name, (was, now) in apart.items())
        raise ConfigError(
            f"the page's other parts were measured otherwise ({differ}): measure all parts here, "
            f"`phosphene bench --docs`"
        )


def _setting(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what numbers of one page have in common; a patch of the system's kernel is not among it."""
    machine = {name: value for name, value in result["machine"].items() if name != "system"}
    return {**machine, "quick": result["quick"]}


def write_page(result: Mapping[str, Any], folder: Path) -> None:
    """Put the numbers into `folder`/performance.md, between its two marks, and the picture beside it.

    Parts that were not measured this time stay as they were: performance.json beside the page keeps them.

    Raises
    ------
    ConfigError
        As `check_page`.
    """
    check_page(result, folder)
    page, kept = folder / "performance.md", folder / "performance.json"
    if kept.is_file():
        result = merged(json.loads(kept.read_text(encoding="utf-8")), result)
    before, rest = page.read_text(encoding="utf-8").split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(f"{before}{BEGIN}\n\n{as_markdown(result)}\n{END}{after}", encoding="utf-8")
    kept.write_text(json.dumps(result, indent=1), encoding="utf-8")
    if "growth" in result:
        (folder / "performance.svg").write_text(as_svg(result["growth"]), encoding="utf-8")


def merged(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Put the parts that were measured now in the place of what was measured before on the same machine."""
    if now["parts"] == list(SECTIONS):
        return dict(now)
    result = dict(now)
    parts = [name for name in SECTIONS if name in (*before["parts"], *now["parts"])]
    for name in parts:
        put(result, name, found(now if name in now["parts"] else before, name))
    ordered = {name: result[name] for name in (*_BESIDE, *dict.fromkeys(p.split(".")[0] for p in parts))}
    goals = [goal for goal in before["goals"] if goal["part"] not in now["parts"]] + now["goals"]
    return ordered | {"parts": parts, "goals": sorted(goals, key=lambda goal: parts.index(goal["part"]))}


def as_markdown(result: Mapping[str, Any]) -> str:
    """Write the result as a page of the docs."""
    told = result["machine"]
    versions_told = ", ".join(f"{name} {text}" for name, text in told["versions"].items())
    lines = [
        f"{told['name']}; {told['threads']} thread(s) an operation; {versions_told}.",
        "The machine's load average at the end of each part stands with it.",
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
            yield f"{name}.{row['at']}.tick_ms", row["tick_ms"], row["tick_ms_spread"]
            yield from _leaves(
                f"{name}.{row['at']}", {k: row[k] for k in ("memory_mb", "start_s") if k in row}
            )
    elif node is not None:
        yield name, node, None
