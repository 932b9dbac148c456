"""Takes a board's samples to LSL, with steady times and a count of what was lost on the way.

    board ─▶ SteadyStamps ─▶ LSL: EEG, and how many samples are missing

`realtime.boards.brainflow` is the board there is.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from realtime.boards.packages import SteadyStamps
from realtime.errors import RunError, StreamFormatError, StreamNotFound
from realtime.lsl.outlet import open_outlet
from realtime.time.clock import Clock
from realtime.types import EegInfo, FloatArray, TimeArray

if TYPE_CHECKING:
    import pylsl

_POLL_S = 0.02
_FIRST_S = 15.0  # some Bluetooth headsets take so long to send their first sample
_SILENCE_S = 10.0
_TELL_S = 1.0
_END_S = 1.0  # a recording that is played back and says nothing for so long is over


class Packages(NamedTuple):
    """What a board has sent since it was asked last.

    Attributes
    ----------
    samples : array of shape (n_samples, n_channels), float32 µV
    unix : array of shape (n_samples,), float64 s
        When each arrived, in Unix time as BrainFlow tells it.
    numbers : array of shape (n_samples,) or None
        Of the packages; None where the board does not count them.
    """

    samples: FloatArray
    unix: TimeArray
    numbers: TimeArray | None


class Sent(NamedTuple):
    """What a bridge came to: samples that went out, and samples that were lost on their way to it."""

    samples: int
    lost: int


class Board(Protocol):
    """A board as the bridge sees it; all calls come from one thread."""

    @property
    def ends(self) -> bool:
        """Whether silence is the end (a recording) and no fault."""
        ...

    def open(self) -> EegInfo:
        """Connect to the board and say what it gives."""
        ...

    def read(self) -> Packages:
        """Return what came since the last call."""
        ...

    def close(self) -> None:
        """Let go of the board."""
        ...


def serve(
    board: Board,
    clock: Clock,
    should_stop: Callable[[], bool],
    seconds: float | None = None,
    wall: Callable[[], float] = time.time,
) -> Sent:
    """Bridge a board to LSL until told to stop, for `seconds`, or to the end of a recording.

    Beside the EEG goes a stream of type PackageLoss: how many samples were lost since the start, once a
    second and whenever that changes. Its source id is that of the EEG and `-losses`. Called in the thread
    that is to stream; it blocks.

    Parameters
    ----------
    clock : Clock
        The LSL clock.
    wall : callable
        Unix time in seconds, as the board's packages are dated.

    Raises
    ------
    ConfigError, StreamNotFound, StreamFormatError
        The board cannot be opened, or sends nothing; the recording is of another board.
    RunError
        It fell silent.
    """
    try:
        return _Bridge(board.open(), board, clock, wall).run(should_stop, seconds)
    finally:
        board.close()


class _Bridge:
    """The outlets, and what goes into them."""

    def __init__(self, info: EegInfo, board: Board, clock: Clock, wall: Callable[[], float]):

        self._info, self._board, self._clock, self._wall = info, board, clock, wall
        self._steady = SteadyStamps(info.rate_nominal, info.n_channels)
        self._eeg = open_outlet(_eeg_stream(info), max_buffered=60)
        self._losses = open_outlet(_losses_stream(info))
        self._sent, self._told, self._told_at = 0, 0, -math.inf

    def run(self, should_stop: Callable[[], bool], seconds: float | None) -> Sent:
        begun = heard = self._clock.now()
        anything = False
        while not should_stop() and (seconds is None or self._clock.now() < begun + seconds):
            self._clock.sleep_until(self._clock.now() + _POLL_S)
            packages, now = self._board.read(), self._clock.now()
            if len(packages.unix):
                heard, anything = now, True
                self._send(packages, now - self._wall())
            elif self._board.ends and anything and now - heard > _END_S:
                break
            elif now - heard > (_SILENCE_S if anything or self._board.ends else _FIRST_S):
                raise self._silence(now - heard, anything)
        self._push(*self._steady.flush())
        return Sent(self._sent, self._steady.lost)

    def _send(self, packages: Packages, unix_to_lsl: float) -> None:
        # Measured at every turn: Unix time may be set while we run.
        arrived = packages.unix + unix_to_lsl
        self._push(*self._steady.push(packages.samples, arrived, packages.numbers))

    def _push(self, samples: FloatArray, stamps: TimeArray) -> None:
        if not len(stamps):
            return
        self._eeg.push_chunk(samples, stamps.tolist())
        self._sent += len(stamps)
        # Also where nothing changed: whoever begins to listen later learns the count.
        if self._steady.lost != self._told or stamps[-1] > self._told_at + _TELL_S:
            self._told, self._told_at = self._steady.lost, float(stamps[-1])
            self._losses.push_sample([self._told], self._told_at)

    def _silence(self, seconds: float, anything: bool) -> RunError | StreamNotFound | StreamFormatError:
        name = self._info.name
        if self._board.ends:
            return StreamFormatError(
                f"the recording holds nothing of {name}: was it made with another board?"
            )
        if anything:
            return RunError(f"{name} sent nothing for {seconds:.0f} s: check its battery and its distance")
        return StreamNotFound(f"{name} is connected, but sends nothing: switch it off and on, and try again")


def _eeg_stream(info: EegInfo) -> pylsl.StreamInfo:
    import pylsl

    stream = pylsl.StreamInfo(
        info.name, "EEG", info.n_channels, info.rate_nominal, pylsl.cf_float32, info.source_id
    )
    stream.set_channel_labels(list(info.labels))
    stream.set_channel_units(info.unit)
    stream.set_channel_types("EEG")
    maker = stream.desc().append_child("acquisition")
    maker.append_child_value("manufacturer", "BrainFlow")
    maker.append_child_value("model", info.name)
    maker.append_child_value("stamps", "arrival, regressed on sample number")
    return stream


def _losses_stream(info: EegInfo) -> pylsl.StreamInfo:
    import pylsl

    stream = pylsl.StreamInfo(
        f"{info.name} losses", "PackageLoss", 1, pylsl.IRREGULAR_RATE, pylsl.cf_int32,
        f"{info.source_id}-losses",
    )  # fmt: skip
    stream.set_channel_labels(["lost samples"])
    return stream
