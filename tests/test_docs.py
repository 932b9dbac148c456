"""What README and docs say can be typed: every command and option exists, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from commands.app import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
GENERATED = re.compile(r"(\.\./)*(examples/\w+|reference/commands|changelog|contributing)\.md")
COMMAND = re.compile(r"(?:^|`)(?:\s*)phosphene ([a-z][a-z-]*)([^`\n#]*)", re.M)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


@pytest.fixture(scope="module")
def verbs() -> dict[str, set[str]]:
    """The options of every verb."""
    group = typer.main.get_command(app)
    return {
        name: {flag for option in command.params for flag in (*option.opts, *option.secondary_opts)}
        for name, command in group.commands.items()
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_can_be_typed(page, verbs):
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    wrong = []
    for verb, rest in COMMAND.findall(text):
        if verb not in verbs:
            wrong.append(f"phosphene {verb}")
            continue
        wrong += [
            f"phosphene {verb} {flag}"
            for flag in OPTION.findall(rest)
            if flag not in verbs[verb] | {"--help"}
        ]
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page):
    text = page.read_text(encoding="utf-8")
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [link for link in links if link and "://" not in link and not GENERATED.fullmatch(link)]
    assert not [link for link in local if not (page.parent / link).exists()]
