"""Folders for recordings, named after BIDS so that later tools find their way."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

from realtime.errors import ConfigError, SessionError
from recordings.session.manifest import read_manifest

TEMPLATE = "sub-{sub}_ses-{ses}_task-{task}_run-{run}"
_DEFAULTS = {"sub": "01", "ses": "01", "task": "watch"}


def session_folder(root: str | Path, entities: Mapping[str, str], template: str = TEMPLATE) -> Path:
    """Choose the folder of a new recording below `root`; it does not exist yet.

    Parameters
    ----------
    entities : mapping of str to str
        What the template asks for, letters and digits only as BIDS demands; `sub`, `ses` and `task` may be
        left out. Without `run` the first number that is free is taken: 01, 02 …
    template : str
        With `{sub}`, `{ses}`, `{task}`, `{run}` or any other entity.

    Raises
    ------
    ConfigError
        An entity is missing, or is not of letters and digits, or a run with this number exists.
    """
    values = {**_DEFAULTS, **entities}
    for name, value in values.items():
        if not re.fullmatch(r"[A-Za-z0-9]+", value):
            raise ConfigError(f"{name}={value!r}: use letters and digits only, for example {name}=01")
    if "run" in values or "{run}" not in template:
        folder = _filled(root, template, values)
        if folder.exists():
            raise ConfigError(f"{folder} exists already: leave `run` out to get the next free number")
        return folder
    run = 1
    while (folder := _filled(root, template, {**values, "run": f"{run:02d}"})).exists():
        run += 1
    return folder


def subject_of(session: Path) -> str:
    """Say whose recording a folder or file is; empty where nobody knows.

    By its manifest, else by the nearest `sub-NAME` in the names of its folders, as BIDS has them.
    """
    with contextlib.suppress(SessionError):
        manifest = read_manifest(session if session.is_dir() else session.parent) or {"options": {}}
        if named := manifest["options"].get("entities", {}).get("sub", ""):
            return str(named)
    found = re.findall(r"(?:^|[/_])sub-([A-Za-z0-9]+)(?=[/_.]|$)", session.resolve().as_posix())
    return found[-1] if found else ""


def _filled(root: str | Path, template: str, values: Mapping[str, str]) -> Path:
    try:
        return Path(root) / template.format_map(values)
    except (KeyError, ValueError, IndexError) as error:
        known = ", ".join(sorted(values))
        raise ConfigError(f"the template {template!r} asks for {error}; given are {known}") from None
