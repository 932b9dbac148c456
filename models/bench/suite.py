"""Runs the bench, part by part."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from models.bench import growth, limits, memory, network, program, sessions, streams, training
from models.bench.setting import Section, Setting
from models.bench.timing import rounded
from models.inference.backends import available, get_backend, versions
from models.inference.machine import machine, n_threads, share_cores
from realtime.errors import ConfigError, PhospheneError

SECTIONS: dict[str, Callable[[Setting], Section]] = {
    "vit_b16": network.frame_encoder,
    "stages.demo": lambda setting: network.stages(setting, "demo"),
    "stages.lab": lambda setting: network.stages(setting, "lab"),
    "tick.demo": lambda setting: network.tick(setting, "demo"),
    "tick.lab": lambda setting: network.tick(setting, "lab"),
    "ring": streams.ring,
    "peer": streams.peer,
    "replay": sessions.replay,
    "memory": memory.memory,
    "training": training.training,
    "start": program.start,
    "loopback": program.loopback,
    "window": program.window,
    "sustained": program.sustained,
    "growth": growth.growth,
    "limits": limits.limits,
}
QUICK = tuple(name for name in SECTIONS if not name.endswith(".lab"))


def run_bench(setting: Setting | None = None, only: Sequence[str] = ()) -> dict[str, Any]:
    """Measure this machine; every ratio comes from one run in which both sides took turns.

    Parameters
    ----------
    only : sequence of str
        Names of sections, or what they begin with (`tick`); all of them by default.

    Returns
    -------
    dict
        By section what it measured: medians, and under `…_spread` what four of five values lie between.
        `machine`, `parts` (which were measured), `load` (the machine's load average before and after) and
        `goals` beside them.

    Raises
    ------
    ConfigError
        There is no such section.
    """
    setting = setting or Setting()
    result = planned(setting, only)
    result["load"] = [os.getloadavg()[0]]
    goals: list[dict[str, Any]] = []
    for name in result["parts"]:
        setting.progress(f"measuring {name} …")
        section = _measured(name, setting)
        put(result, name, {**section.numbers, "load": rounded(os.getloadavg()[0])})
        goals += [{"part": name, **goal.told()} for goal in section.goals]
    result["load"].append(os.getloadavg()[0])
    return result | {"goals": goals}


def planned(setting: Setting, only: Sequence[str] = ()) -> dict[str, Any]:
    """Say what `run_bench` would measure, and on what: `machine`, `quick` and `parts`."""
    chosen = _chosen(only, QUICK if setting.quick else tuple(SECTIONS))
    share_cores()
    return {"machine": describe(), "quick": setting.quick, "parts": chosen}


def _measured(name: str, setting: Setting) -> Section:
    """Measure a part; one that cannot be measured here says why, and the others go on."""
    try:
        return SECTIONS[name](setting)
    except PhospheneError as error:
        setting.progress(f"{name}: {error}")
        return Section({"failed": str(error)})


def describe() -> dict[str, Any]:
    """Describe the machine and the versions that the numbers belong to."""
    packages = {
        name: text for backend in available() for name, text in versions(get_backend(backend)).items()
    }
    return {
        "name": machine(),
        "threads": n_threads(),
        "system": platform.platform(terse=True),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, **packages},
    }


def _chosen(only: Sequence[str], known: Sequence[str]) -> list[str]:
    """Sections by name or by what their dotted name begins with; all where nothing is asked for."""

    def meant(word: str) -> list[str]:
        return [name for name in known if f"{name}.".startswith(f"{word}.")]

    if unknown := [word for word in only if not meant(word)]:
        raise ConfigError(f"the bench has no part {', '.join(unknown)}: legal are {', '.join(known)}")
    return [name for name in known if not only or any(name in meant(word) for word in only)]


def put(result: dict[str, Any], name: str, value: Any) -> None:
    """Enter a part by its dotted name; what stood beside it stays."""
    *parents, leaf = name.split(".")
    for parent in parents:
        result[parent] = dict(result.get(parent, {}))
        result = result[parent]
    result[leaf] = value


def found(result: Mapping[str, Any], name: str) -> Any:
    """Find a part by its dotted name."""
    for word in name.split("."):
        result = result[word]
    return result
