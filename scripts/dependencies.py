"""What this environment holds of the program's dependencies: their versions, and their licences.

    python scripts/dependencies.py constraints > constraints.txt
    python scripts/dependencies.py licences > docs/licences.md

Both follow pyproject.toml, its extras included, through what is installed; an extra that is not is named.
"""

from __future__ import annotations

import platform
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
TOOLS = {"dev", "docs", "fuzz", "test", "validator"}  # extras that build and check it; its users need none
LOOSE = {"setuptools"}  # a build tool; the extra `brainflow` needs an older one than the others bring


def project() -> dict[str, Any]:
    """The `[project]` table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def installed(requirements: Iterable[str]) -> Iterator[Distribution]:
    """Each distribution that these requirements come to, once, with all that it needs in turn."""
    waiting = [Requirement(text) for text in requirements]
    seen: set[tuple[str, str]] = set()
    given: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        if name not in given:
            given.add(name)
            yield found
        for extra in {"", *wanted.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                needs = map(Requirement, found.requires or ())
                waiting += [n for n in needs if n.marker is None or n.marker.evaluate({"extra": extra})]


def missing(extras: dict[str, list[str]]) -> list[str]:
    """Extras of which a package is not installed here."""

    def absent(text: str) -> bool:
        try:
            distribution(Requirement(text).name)
        except PackageNotFoundError:
            return True
        return False

    return [extra for extra, needs in extras.items() if any(map(absent, needs))]


def by_name(found: Iterable[Distribution]) -> list[tuple[str, Distribution]]:
    """Distributions with their canonical names, in their order."""
    return sorted((canonicalize_name(one.metadata["Name"]), one) for one in found)


def constraints() -> str:
    """One exact version a line, for `pip install -c`."""
    about = project()
    extras = about["optional-dependencies"]
    every = [*about["dependencies"], *(text for texts in extras.values() for text in texts)]
    lines = [
        "# The versions that the tests ran with: pip install -c constraints.txt phosphene",
        f"# Python {platform.python_version()} on {platform.system()} ({platform.machine()}).",
        "# Made by `python scripts/dependencies.py constraints > constraints.txt`.",
    ]
    if left_out := missing(extras):
        lines.append(f"# Not installed when this was made, so not held: {', '.join(sorted(left_out))}.")
    pins = (
        (name, Version(one.version).public) for name, one in by_name(installed(every)) if name not in LOOSE
    )
    return "\n".join([*lines, *(f"{name}=={version}" for name, version in pins)]) + "\n"


def licence(found: Distribution) -> str:
    """What a distribution says its licence is: its SPDX expression, its classifiers, or its first line."""
    about = found.metadata
    if expressions := about.get_all("License-Expression", []):
        return str(expressions[0])
    classifiers = [text.split(" :: ")[-1] for text in about.get_all("Classifier", []) if "License ::" in text]
    if classifiers := [text for text in classifiers if text != "OSI Approved"]:
        return "; ".join(classifiers)
    stated = "".join(about.get_all("License", [])).strip().splitlines()
    return stated[0][:80] if stated else "not stated in its metadata"


def table(found: Iterable[Distribution]) -> list[str]:
    """Rows of a Markdown table."""
    rows = ["| package | version | licence |", "|---|---|---|"]
    for name, one in by_name(found):
        rows.append(f"| {name} | {Version(one.version).public} | {licence(one)} |")
    return rows


def licences() -> str:
    """A page of the docs."""
    about = project()
    extras = {name: texts for name, texts in about["optional-dependencies"].items() if name not in TOOLS}
    always = {one.metadata["Name"]: one for one in installed(about["dependencies"])}
    more = {one.metadata["Name"]: one for one in installed(t for texts in extras.values() for t in texts)}
    lines = [
        "# Licences",
        "",
        "Phosphene is free software under the BSD 3-Clause licence. It uses the packages below, each under",
        "its own licence, as its metadata states it. Made by `python scripts/dependencies.py licences >",
        f"docs/licences.md` with Python {platform.python_version()} on {platform.system()}.",
        "",
        "## Always installed",
        "",
        *table(always.values()),
        "",
        "## With extras",
        "",
    ]
    if left_out := sorted(missing(extras)):
        lines += [f"Not installed when this page was made: {', '.join(left_out)}.", ""]
    lines += table(one for name, one in more.items() if name not in always)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] not in (["constraints"], ["licences"]):
        sys.exit("give `constraints` or `licences`")
    sys.stdout.write(constraints() if sys.argv[1] == "constraints" else licences())
