"""A training beside a session: in a process of its own, which yields to it, with its progress and its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from realtime.time.clock import LslClock

_CHILD = "experiment.person.child"
_ROOT = Path(__file__).resolve().parents[2]
_WAIT_S = 20.0  # for a training that was asked to end and keep what it has


@dataclass(frozen=True)
class TrainingRequest:
    """What is to be trained.

    Attributes
    ----------
    sessions : tuple of str
        Folders.
    out : str
        Where the model goes.
    parent : str or None
        The folder of a model to continue, as `how` says (`models.learning.person`); None begins anew, with
        the network of `preset` and `changes`.
    recipe : mapping
        Entries of the recipe that differ from its defaults.
    conditioning : mapping
        Entries of the EEG's conditioning (`realtime.config.ConditioningConfig`), as the session has them.
    """

    sessions: tuple[str, ...]
    out: str
    parent: str | None = None
    how: str = "auto"
    preset: str = "demo"
    changes: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    conditioning: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingNow:
    """How a training stands.

    Attributes
    ----------
    share : float
        Done so far, 0 to 1.
    left_s : float or None
        What is left, s; None until it can be told.
    found : tuple of str
        Sentences on what was found on the way.
    done : mapping or None
        What came out (see `experiment.person.child.train`).
    failure : str
        Why it failed; empty else.
    """

    phase: str = "reading the session"
    share: float = 0.0
    left_s: float | None = None
    found: tuple[str, ...] = ()
    done: Mapping[str, Any] | None = None
    failure: str = ""

    @property
    def over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.done is not None or bool(self.failure)


class TrainingProcess:
    """Runs one training. Any thread may ask how it stands, or stop it.

    Parameters
    ----------
    request : TrainingRequest
    now : callable
        Gives the time, s.
    """

    def __init__(self, request: TrainingRequest, now: Callable[[], float] | None = None) -> None:
        self.request, self._time = request, now or LslClock().now
        self._state, self._begun = TrainingNow(), 0.0
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def launch(self) -> TrainingProcess:
        """Begin; returns itself."""
        quiet = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # one core; the rest is for what is live
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _CHILD, json.dumps(asdict(self.request))],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **quiet, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the session; what becomes of the training is asked for
        )
        self._begun = self._time()
        self._reader = threading.Thread(target=self._read, name="training", daemon=True)
        self._reader.start()
        return self

    def state(self) -> TrainingNow:
        """Say how it stands."""
        return self._state

    def stop(self) -> None:
        """Ask it to end with what it has learned; where it does not, it is ended. Nothing happens twice."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        try:
            process.wait(_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
        if self._reader is not None:
            self._reader.join(_WAIT_S)

    def _read(self) -> None:
        """Follow what the process says until it ends."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        for line in process.stdout:
            try:
                self._take(json.loads(line))
            except ValueError:
                continue  # a library's own words
        code = process.wait()
        if not self._state.over:
            self._state = replace(self._state, failure=f"the training ended by itself, with code {code}")

    def _take(self, said: Mapping[str, Any]) -> None:
        state = self._state
        if "share" in said:
            share, spent = float(said["share"]), self._time() - self._begun
            left = None if share < 0.03 else spent * (1 - share) / share
            self._state = replace(state, phase=said["phase"] or state.phase, share=share, left_s=left)
        elif "words" in said:
            self._state = replace(state, found=(*state.found, said["words"]))
        elif "done" in said:
            self._state = replace(state, share=1.0, left_s=0.0, done=said["done"])
        elif "failed" in said:
            self._state = replace(state, failure=said["failed"])


_IN_WORDS = {
    "network": "the network",
    "two networks": "the mean of two networks",
    "ridge": "a linear model (ridge)",
    "cca": "a linear model (CCA)",
    "responses": "a linear model (responses to light)",
    "responses by place": "a linear model (responses to light, by place)",
}


def worth_in_words(done: Mapping[str, Any]) -> str:
    """Say what a model was worth on the parts that were held out, with its 95 % interval."""
    runs = done["runs"]
    figures = runs["judged"].get(runs["name"])
    if figures is None:
        return "too little data to hold a part of it out: what the model is worth is not known"
    low, high = figures["two_way_ci"]
    said = " and ".join(_IN_WORDS.get(part, part) for part in runs["name"].split("+"))
    from models.learning.judging.metrics import verdict

    return (
        f"on parts that were held out, {said} told the right moment of the film from a wrong "
        f"one in {100 * figures['two_way']:.0f} of 100 cases (95 %: {100 * low:.0f} to {100 * high:.0f}; "
        f"chance is 50): {verdict((low, high))}"
    )
