"""Pages of the site that are made from the program: its commands, its examples, the files at its root."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
ORDER = (
    "replay_to_arrays", "intervals_to_torch", "live_callback", "feedback_to_another_program",
    "train_and_evaluate", "own_eeg_encoder", "own_fusion",
)  # fmt: skip


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that no file of the docs holds."""
    pages = {
        "reference/commands.md": commands(),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        "contributing.md": (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
        **{f"examples/{path.stem}.md": example(path) for path in examples()},
    }
    for uri, text in pages.items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the examples into the navigation, in the order of their reading."""
    for entry in config.nav or []:
        if "Examples" in entry:
            entry["Examples"] = [f"examples/{path.stem}.md" for path in examples()]
    return config


def examples() -> list[Path]:
    """List the examples in the order of their reading."""
    found = sorted((ROOT / "examples").glob("*.py"))
    return sorted(found, key=lambda path: ORDER.index(path.stem) if path.stem in ORDER else len(ORDER))


def example(path: Path) -> str:
    """Make the page of an example: what its docstring says, then its code."""
    source = path.read_text(encoding="utf-8")
    title, _, words = (ast.get_docstring(ast.parse(source)) or path.stem).partition("\n\n")
    code = source.split('"""\n', 1)[1].strip()
    return f'# {title}\n\n{words}\n\n```python title="examples/{path.name}"\n{code}\n```\n'


def commands() -> str:
    """List every verb with its arguments and options, as `--help` does."""
    sys.path.insert(0, str(ROOT))
    from commands.app import app

    group: Any = typer.main.get_command(app)
    lines = ["# Commands", "", group.help, ""]
    panel = ""
    for name, command in group.commands.items():
        if command.rich_help_panel != panel:
            panel = command.rich_help_panel
            lines += [f"## {panel}", ""]
        lines += [f"### phosphene {name}", "", (command.help or "").strip(), "", *_options(command), ""]
    return "\n".join(lines)


def _options(command: Any) -> Iterator[str]:
    """Yield rows of a table: each argument and option, what it does, and its default."""
    yield "| | | default |"
    yield "|---|---|---|"
    for option in command.params:
        if option.name == "help":
            continue
        several = "…" if option.nargs == -1 else ""
        argument = [f"{option.name.upper()}{several}"]
        names = argument if option.param_type_name == "argument" else [*option.opts, *option.secondary_opts]
        words = (option.help or "").replace("|", "\\|")
        annotation = getattr(getattr(option, "type_descriptor", None), "annotation", None)
        if get_origin(annotation) is Literal:
            words += f" One of {', '.join(get_args(annotation))}."
        default = (
            option.default if option.default not in (None, False, (), []) and not option.required else ""
        )
        yield f"| {' '.join(f'`{each}`' for each in names)} | {words} | {default} |"
