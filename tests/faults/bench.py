"""What every fault is tried on: a sender in another process, and `phosphene record` in a third."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pylsl

from realtime.errors import PhospheneError
from recordings.session.session import Session
from tests.support.small_session import write_small

PATIENCE_S = 240.0
N_FILM = 240  # frames of the film, each with its number


@dataclass(frozen=True)
class Row:
    """What was done, seen and found, as the table has it."""

    done: str
    seen: str
    kept: str
    recovered: str = "–"


@dataclass
class Fault:
    """A process that was started, and what is said to it."""

    process: subprocess.Popen[str]
    name: str

    def tell(self, **order: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def send(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class Recording:
    """A running `phosphene record`, and after `finish` what it came to."""

    process: subprocess.Popen[str]
    root: Path
    code: int = -1
    summary: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def folder(self) -> Path:
        return next(self.root.glob("*/session.xdf")).parent

    def wait_for(self, n_bytes: int = 40_000) -> Path:
        """Wait until so much is in the file; returns its folder."""
        end = time.monotonic() + PATIENCE_S
        while not any(xdf.stat().st_size > n_bytes for xdf in self.root.glob("*/session.xdf")):
            assert time.monotonic() < end, "nothing was recorded"
            assert self.process.poll() is None, self.process.stderr.read()[-500:]
            time.sleep(0.1)
        return self.folder

    def wait_for_readings(self, n: int = 8) -> None:
        """Wait until so many readings are in the file: from then on one that is missing means something."""
        self.wait_for(4000)
        end = time.monotonic() + PATIENCE_S
        while len(self.emitted()) < n:
            assert time.monotonic() < end, "there were no readings"
            time.sleep(0.3)

    def finish(self, by: int | None = signal.SIGINT) -> Recording:
        """End it by a signal, or wait for its own end."""
        if by is not None and self.process.poll() is None:
            self.process.send_signal(by)
        out, self.error = self.process.communicate(timeout=PATIENCE_S)
        self.code = self.process.returncode
        self.summary = json.loads(out, parse_constant=_no_json) if out.strip() else {}
        return self

    def said(self, words: str) -> str:
        """Return the sentence of the summary that holds these words."""
        sentences = [*self.summary["warnings"], *self.summary["errors"]]
        found = [sentence for sentence in sentences if words in sentence]
        assert found, (words, sentences)
        return found[0]

    def numbers(self, name: str) -> np.ndarray:
        """Return the numbers of all samples of a stream, in the order of the file."""
        return np.concatenate(self.rows(name))[:, -1].astype(np.int64)

    def rows(self, name: str) -> list[np.ndarray]:
        with Session(self.folder) as session:
            ids = [s.info.stream_id for s in session.reader.streams.values() if s.info.name == name]
            return [
                np.asarray(session.reader.read(number)[1])
                for number in ids
                if len(session.reader.read(number)[1])
            ]

    def texts(self, name: str) -> list[list[list[str]]]:
        """Return what each stream of texts of this name holds."""
        with Session(self.folder) as session:
            found = [s.info.stream_id for s in session.reader.streams.values() if s.info.name == name]
            return [[list(row) for row in session.reader.read(number)[1]] for number in found]

    def emitted(self) -> np.ndarray:
        """When each reading was shown, seconds on the LSL clock."""
        with Session(self.folder) as session:
            (stream,) = (s for s in session.reader.streams.values() if s.info.type == "Readings")
            values = np.asarray(session.reader.read(stream.info.stream_id)[1])
        return values[:, 2] if len(values) else np.zeros(0)

    def silence(self, since: float) -> float:
        """Return the longest time without a reading from `since` (LSL clock) on, less the usual hop."""
        shown = self.emitted()
        shown = np.concatenate([[since], shown[shown > since]])
        return max(0.0, float(np.diff(shown).max()) - 0.25) if len(shown) > 1 else float("inf")

    def pause(self, name: str) -> float:
        """Return the longest time without a sample of a stream, less the usual, seconds."""
        with Session(self.folder) as session:
            (stream,) = (s for s in session.reader.streams.values() if s.info.name == name)
            steps = np.diff(session.reader.read(stream.info.stream_id)[0])
        return max(0.0, float(steps.max() - np.median(steps)))

    def info(self) -> dict[str, Any]:
        """Return what `phosphene info` says of it."""
        done = subprocess.run(
            [sys.executable, "-m", "phosphene", "info", str(self.folder), "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        found: dict[str, Any] = json.loads(done.stdout, parse_constant=_no_json)
        return found


class Bench:
    """Starts what a fault needs, and ends all of it; a context manager.

    Parameters
    ----------
    folder : Path
        Of this fault alone.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.tag = uuid.uuid4().hex[:8]
        self._closing = ExitStack()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def film(self) -> Path:
        path = self.folder / "film"
        return (path if path.exists() else write_small(path, seconds=8.0)) / "stimulus.mkv"

    def start(self, module: str, *arguments: object) -> Fault:
        """Start a helper and wait until it is ready."""
        child = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._closing.callback(_end, child)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        return Fault(child, str(arguments[0]) if arguments else "")

    def sender(self, *labels: str, name: str = "amp", source_id: str | None = None) -> Fault:
        """Start a numbered sender."""
        name = f"{name}-{self.tag}"
        return self.start("tests.faults.sender", name, name if source_id is None else source_id, *labels)

    def record(self, eeg: Fault, *more: object, video: object = None, out: Path | None = None) -> Recording:
        """Start `phosphene record` of a session; it lasts until it is ended."""
        return self._record(out, "--eeg", f"name={eeg.name}", "--video", video or self.film, *more)

    def record_raw(self, *selections: str, out: Path | None = None) -> Recording:
        """Start `phosphene record` of streams of which nothing is made."""
        return self._record(out, *(word for text in selections for word in ("--stream", text)))

    def _record(self, out: Path | None, *options: object) -> Recording:
        root = out or self.folder / "out"
        command = ["record", root, *options, "--headless", "--json"]
        child = subprocess.Popen(
            [sys.executable, "-m", "phosphene", *map(str, command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._closing.callback(_end, child)
        return Recording(child, root)


def now() -> float:
    """Seconds on the LSL clock."""
    return float(pylsl.local_clock())


def one_line(error: str) -> str:
    """Return what a refused command said, and that it said no more."""
    lines = [line for line in error.splitlines() if line.strip() and "|" not in line[40:]]
    assert "Traceback" not in error, error[-600:]
    return lines[-1] if lines else ""


def refusal(*arguments: object) -> str:
    """Run a command that is refused with exit code 2; returns its line."""
    done = subprocess.run(
        [sys.executable, "-m", "phosphene", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 2, (done.returncode, done.stderr[-500:])
    return one_line(done.stderr)


def holes(numbers: np.ndarray) -> int:
    """How many samples are missing between the first and the last; a wrong order is an error."""
    steps = np.diff(numbers)
    assert (steps >= 1).all(), "samples are out of order"
    return int((steps - 1).sum())


def whole(numbers: np.ndarray) -> str:
    """Say that no sample is missing, having looked."""
    assert holes(numbers) == 0, f"{holes(numbers)} samples are missing"
    return f"all {len(numbers)} samples"


def _no_json(word: str) -> float:
    raise PhospheneError(f"{word} is no JSON")


def _end(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        child.kill()
    child.wait()
