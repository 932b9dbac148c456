"""Intervals of many sessions, cut at any slot by what cuts live intervals, in batches for the network.

Tables and embeddings lie on disk. Where all of them fit into 256 MB they are read once, and means over
slots are cut once where they fit into a gigabyte (two hours); else nothing but small indices stays in
memory and they are read a window at a time: a hundred hours need no more than one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.inference.machine import one_blas_thread
from models.learning.data.cache import TableFile, content_id, hold_what_fits, session_table
from models.learning.data.cues import Cues
from models.learning.data.features import linear_tables
from models.learning.data.film import Share, make_missing, of_each
from models.learning.data.films import Showings
from models.learning.data.frames import FrameFile, FrameTable, Pictures, encoder_key
from models.learning.data.names import names_of, refuse_twice
from models.learning.data.shown import SlotMeans
from models.network.eeg.subjects import UNKNOWN
from models.network.interfaces import FrameEncoder
from models.network.network import Network, is_trained
from realtime.config import ConditioningConfig, GridConfig
from realtime.errors import SessionError
from recordings.session.naming import subject_of
from recordings.session.session import Session

Indices = NDArray[np.int64]
_HELD, _HELD_MEANS = 256 * 2**20, 2**30  # bytes of rows, and of means over slots, that may stay in memory
_APART_S = 1e6  # between films: no window of one is near any of another


class Windows(NamedTuple):
    """Which windows: session by number, and the slot (row of its table) at which each ends.

    Attributes
    ----------
    session : array of shape (n,), int64
    end : array of shape (n,), int64
    """

    session: Indices
    end: Indices


class WindowBatch(NamedTuple):
    """Windows as the network takes them; letters as in `models.network.interfaces`.

    Attributes
    ----------
    eeg : (B, C, n_times) float32 µV
    eeg_valid : (B, C, n_times) bool
    eeg_scale : (B, C) float32 µV
    frames : dict of path to (B, G / every, P, Dv) float32
        Or pictures (B, G / every, 3, H, W) float16, of a path whose encoder is trained: see
        `Network.embedded`.
    frame_valid : (B, G) bool
    session, end : (B,) int64
    film, moment : (B,) int64
        Which film a window shows and which slot of it comes last: windows of one film at one moment show the
        same, whoever watches.
    person : (B,) int64
        Whose EEG it is, by number in the network (-1 where it knows no such person).
    box : (B, 4) float32
        Rectangle that a cue says is attended, left, top, right, bottom in fractions of the frame; NaN where
        it is not known (`data.cues.cover` brings it to places).
    """

    eeg: Tensor
    eeg_valid: Tensor
    eeg_scale: Tensor
    frames: dict[str, Tensor]
    frame_valid: Tensor
    session: Tensor
    end: Tensor
    film: Tensor
    moment: Tensor
    person: Tensor
    box: Tensor

    def to(self, device: torch.device) -> WindowBatch:
        """Return the same on another device."""
        frames = {path: rows.to(device) for path, rows in self.frames.items()}
        return self._replace(
            frames=frames, **{n: getattr(self, n).to(device) for n in self._fields if n != "frames"}
        )


@dataclass(frozen=True)
class Span:
    """A stretch of a session, slots [start, stop) of its table: windows lie wholly inside."""

    session: int
    start: int
    stop: int


class Recordings:
    """Sessions as one network sees them.

    Parameters
    ----------
    paths : sequence of Path
        Session folders or XDF files.
    grid : GridConfig
    conditioning : ConditioningConfig
        Where it names no channels, those of the first session are asked of all.
    cache : Path, optional
        Where tables and embeddings go; beside each session by default.
    eeg, video : str
        Which streams, where sessions have several.
    cues : Path, optional
        A map of cues for all sessions; the one beside each by default (see `data.cues`).
    tell : callable, optional
        Told what is read that was not before, and how much of it is, 0 to 1; from any thread, one call at a
        time.

    Raises
    ------
    SessionError
        No session, one given twice, or one too short for a single window.
    StreamFormatError
        A session lacks a channel of the first.
    """

    def __init__(
        self,
        paths: Sequence[str | Path],
        grid: GridConfig,
        conditioning: ConditioningConfig,
        cache: Path | None = None,
        eeg: str = "",
        video: str = "",
        cues: Path | None = None,
        tell: Callable[[str, float], None] | None = None,
    ) -> None:
        if not paths:
            raise SessionError("no session was given: name at least one folder that `phosphene record` wrote")
        self.paths = [Path(path) for path in paths]
        self.grid, self.conditioning, self.cache = grid, conditioning, cache
        self.selectors = eeg, video
        self._tell = tell or (lambda what, share: None)
        self.tables: list[TableFile] = []
        self.ids: list[str] = []
        self.people = [subject_of(path) for path in self.paths]
        self._person = np.full(len(self.paths), UNKNOWN, np.int64)
        self.cues: list[Cues | None] = []
        self.showings: list[Showings] = []
        for path in self.paths:
            with Session(path) as session:
                share = len(self.tables) / len(self.paths)
                table = session_table(
                    session, self.conditioning, grid, cache, eeg, video, partial(self._tell, "EEG", share)
                )
                self.ids.append(content_id(session.path))
                self.cues.append(Cues.of(session, cues, video))
                self.showings.append(Showings.of(session, video, table.first, grid.slots_hz))
            self.tables.append(table)
            self.conditioning = self.conditioning.model_copy(update={"channels": table.labels})
            if table.n_slots <= self.n_rows:
                raise SessionError(
                    f"EEG and video of {path} overlap for {table.n_slots / grid.slots_hz:.1f} s; a window "
                    f"needs more than {self.n_rows / grid.slots_hz:.1f} s: record longer"
                )
        refuse_twice(self.paths, self.ids)
        self.names = names_of(self.paths)
        self._frames: dict[str, list[FrameFile]] = {}
        self._every: dict[str, int] = {}
        self._means: dict[str, list[SlotMeans]] = {}

    @property
    def frame_paths(self) -> tuple[str, ...]:
        """Frame paths a batch brings: none before `embed`."""
        return tuple(self._frames)

    def shows_pictures(self, path: str) -> bool:
        """Whether a batch brings pictures of this path instead of embeddings."""
        return len(self._frames[path][0].rows.shape) == 4

    def frame_width(self, path: str) -> int:
        """Count the numbers of a frame's embedding, all places together."""
        return int(np.prod(self._frames[path][0].rows.shape[1:]))

    @property
    def labels(self) -> tuple[str, ...]:
        """Channels, in the order of every batch."""
        return self.tables[0].labels

    @property
    def n_rows(self) -> int:
        """Slots an interval spans with its lag: rows of the table it is cut from."""
        return self.grid.n_slots + self.lag_slots

    @property
    def lag_slots(self) -> int:
        """Slots that the EEG of a window reaches past its video."""
        return round(self.grid.lag_s * self.grid.slots_hz)

    def spans(self) -> list[Span]:
        """Each session as a whole; a window's last row is the scale at its end."""
        return [Span(i, 0, table.n_slots) for i, table in enumerate(self.tables)]

    def minutes(self, spans: Sequence[Span] | None = None) -> float:
        """How much data there is in `spans` (all by default)."""
        slots = sum(span.stop - span.start for span in (self.spans() if spans is None else spans))
        return slots / self.grid.slots_hz / 60

    def embed(self, network: Network, device: str | torch.device = "cpu", to_train: bool = False) -> None:
        """Have all frames embedded by the network's frame encoders; batches hold them from now on.

        Parameters
        ----------
        to_train : bool
            Leave frames as pictures where the encoder is not frozen: what it makes of them will change.
        """
        self.know(network)
        px = max(encoder.image_px for encoder in network.frame_encoders.values())
        readers: dict[str, tuple[FrameEncoder, str]] = {}
        for path, encoder in network.frame_encoders.items():
            settings = getattr(network.config, path).model_dump(mode="json", exclude={"frozen"})
            reader = Pictures(encoder) if to_train and is_trained(encoder) else encoder.eval()
            readers[path] = reader, encoder_key(reader, settings)

        def tables_of(source: Path, stop: Event, tell: Share) -> list[FrameTable]:
            """Read a film once for these, and for what linear models see of it."""
            with Session(source) as session:
                place = self.cache, self.selectors[1]
                frames = [FrameTable.of(session, *reader, px, *place, device) for reader in readers.values()]
                make_missing(session, [*frames, *linear_tables(session, *place)], place[1], stop, tell)
            return frames

        found = of_each(self.paths, tables_of, partial(self._tell, "films"))
        for number, path in enumerate(readers):
            self._frames[path] = [frames[number].load() for frames in found]
            self._every[path] = network.config.paths[path]
        self._means = self._means_for(network)
        rows = [rows for table in self.tables for rows in table.arrays.values()]
        rows += [file.rows for files in self._frames.values() for file in files]
        hold_what_fits(rows, _HELD)
        with one_blas_thread():
            hold_what_fits([each for session in self._means.values() for each in session], _HELD_MEANS)

    def _means_for(self, network: Network) -> dict[str, list[SlotMeans]]:
        """Means over slots of the paths of which a network wants them."""
        wanted = [path for path, every in self._every.items() if network.config.sees_means and every == 1]
        return {
            path: [
                SlotMeans(table, file, self.grid.per_slot)
                for table, file in zip(self.tables, self._frames[path], strict=True)
            ]
            for path in wanted
        }

    def know(self, network: Network) -> None:
        """Take the numbers of people in batches from this network."""
        self._person = np.array([network.number_of(person) for person in self.people], np.int64)

    # ------------------------------------------------------------ windows
    def every(self, spans: Sequence[Span], step: int) -> Windows:
        """Windows at every `step`-th slot of each span, the first as early as it fits."""
        ends = [np.arange(s.start + self.n_rows, s.stop, step) for s in spans]
        sessions = [np.full(len(e), s.session) for e, s in zip(ends, spans, strict=True)]
        if not ends:
            return Windows(np.zeros(0, np.int64), np.zeros(0, np.int64))
        return Windows(np.concatenate(sessions).astype(np.int64), np.concatenate(ends).astype(np.int64))

    def random(self, spans: Sequence[Span], n: int, rng: np.random.Generator) -> Windows:
        """`n` windows at random slots, every slot of all spans as likely as any other.

        Raises
        ------
        SessionError
            No span can hold a window.
        """
        room = np.array([max(0, s.stop - s.start - self.n_rows) for s in spans])
        if not room.sum():
            raise SessionError("no part of the sessions is long enough for one window: record longer")
        drawn = rng.integers(0, room.sum(), n)
        which = np.searchsorted(np.cumsum(room), drawn, side="right")
        into = drawn - (np.cumsum(room) - room)[which]
        starts = np.array([s.start for s in spans])[which]
        sessions = np.array([s.session for s in spans])[which]
        return Windows(sessions.astype(np.int64), (starts + into + self.n_rows).astype(np.int64))

    def starts(self, windows: Windows) -> NDArray[np.float64]:
        """When the video of each window begins, seconds on its session's clock: (n,)."""
        first = np.array([self.tables[session].first for session in windows.session], np.int64)
        return (first + windows.end - self.n_rows) / self.grid.slots_hz

    def show(self, session: int, stamps: NDArray[np.float64], films: Sequence[int]) -> None:
        """Say that a session's video begins film `films[k]` at `stamps[k]` (s on its clock), both (n,)."""
        starts = np.round(stamps * self.grid.slots_hz).astype(np.int64) - self.tables[session].first
        self.showings[session] = Showings(starts, np.asarray(films, np.int64))

    def moments(self, windows: Windows) -> tuple[Indices, Indices]:
        """Which film each window shows, and its last slot in that film: (n,), (n,)."""
        parts = [self.showings[s].at(int(end) - self.lag_slots) for s, end in zip(*windows, strict=True)]
        found = np.array(parts, np.int64).reshape(-1, 2)
        return found[:, 0].copy(), found[:, 1].copy()

    def film_times(self, windows: Windows) -> NDArray[np.float64]:
        """When each window begins in its film, s: (n,). Different films lie hours apart on this axis."""
        films, moments = self.moments(windows)
        number = np.unique(films, return_inverse=True)[1]
        found: NDArray[np.float64] = (moments - self.grid.n_slots) / self.grid.slots_hz + _APART_S * number
        return found

    def boxes(self, windows: Windows) -> NDArray[np.float64]:
        """Return what a cue says is attended during each window's video: (n, 4), NaN where none does."""
        found, length = np.full((len(windows.end), 4), np.nan), self.grid.interval_s
        for i, (number, start) in enumerate(zip(windows.session, self.starts(windows), strict=True)):
            cues = self.cues[number]
            if cues is not None:
                found[i] = cues.box(float(start), float(start) + length)
        return found

    @property
    def are_cued(self) -> bool:
        """Whether any session says what was attended."""
        return any(cues is not None for cues in self.cues)

    # ------------------------------------------------------------ what is in them
    def eeg(self, windows: Windows) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
        """EEG (n, C, n_times) µV, its validity (n, C, n_times), and the running scale (n, C)."""
        per_slot = self.grid.per_slot
        parts = []
        for number, end in zip(*windows, strict=True):
            table, points = self.tables[number], ((end - self.n_rows) * per_slot, end * per_slot)
            scale = table.read("eeg_scale", end, end + 1)[0]
            parts.append((table.read("eeg", *points).T, table.read("eeg_valid", *points).T, scale))
        eeg, valid, scales = (np.stack(part) for part in zip(*parts, strict=True))
        return eeg, valid, scales

    def positions(self, windows: Windows) -> tuple[Indices, NDArray[np.bool_]]:
        """Which stamped frame is on show at each slot (n, G), and whether one is."""
        parts = []
        for number, end in zip(*windows, strict=True):
            rows = end - self.n_rows, end - self.lag_slots
            parts.append([self.tables[number].read(name, *rows) for name in ("position", "shown")])
        position, shown = (np.stack(part) for part in zip(*parts, strict=True))
        return position, shown

    def batch(self, windows: Windows) -> WindowBatch:
        """Cut windows; frames come with them once `embed` was called."""
        eeg, valid, scale = self.eeg(windows)
        position, shown = self.positions(windows)
        for i, number in enumerate(windows.session):
            for files in self._frames.values():
                shown[i] &= files[number].there[np.maximum(position[i], 0)]
        wanted = np.where(shown, position, -1)
        frames = {path: self._shown(path, windows, wanted) for path in self._frames}
        film, moment = self.moments(windows)
        return WindowBatch(
            torch.from_numpy(np.ascontiguousarray(eeg)),
            torch.from_numpy(valid),
            torch.from_numpy(scale),
            frames,
            torch.from_numpy(shown),
            torch.from_numpy(windows.session),
            torch.from_numpy(windows.end),
            torch.from_numpy(film),
            torch.from_numpy(moment),
            torch.from_numpy(self._person[windows.session]),
            torch.from_numpy(self.boxes(windows).astype(np.float32)),
        )

    def _shown(self, path: str, windows: Windows, wanted: Indices) -> Tensor:
        """Frames at the slots, or their means over them."""
        if path not in self._means:
            return self._frames_of(path, windows.session, wanted)
        means = self._means[path]
        found = np.empty((*wanted.shape, *self._frames[path][0].rows.shape[1:]), np.float32)
        with one_blas_thread():  # its threads and torch's would wait for each other
            for into, session, end in zip(found, *windows, strict=True):
                into[:] = means[session].read(end - self.n_rows, end - self.lag_slots)
        return torch.from_numpy(found)

    def _frames_of(self, path: str, sessions: Indices, wanted: Indices) -> Tensor:
        """Embeddings (n, G / every, P, Dv), or pictures, of frames wanted at each slot (n, G), -1 for none.

        A window at a time, so that what is read is still near when its numbers are made wider.
        """
        files, rows = self._frames[path], wanted[:, :: self._every[path]]
        shape = files[0].rows.shape[1:]
        pictures = len(shape) == 3  # they take their room
        found = torch.empty((*rows.shape, *shape), dtype=torch.float16 if pictures else torch.float32)
        for into, session, positions in zip(found, sessions, rows, strict=True):
            into.copy_(torch.from_numpy(files[session].read(positions)))
        return found
