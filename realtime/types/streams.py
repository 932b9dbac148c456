"""A stream of samples as its sender gives it: what is known of it, its samples, its clock. All are frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from realtime.types.arrays import BoolArray, FloatArray, TimeArray


@dataclass(frozen=True)
class EegInfo:
    """What is known of an EEG stream before its first sample.

    Attributes
    ----------
    labels : tuple of str
        Channel names in the stream's order; `ch1`, `ch2` … where the stream names none.
    unit : str
        As the stream says it ("microvolts", "uV", "V", …); empty where it says nothing.
        Of most EEG channels, where they differ.
    rate_nominal : float
        Samples a second the sender claims.
    units : tuple of str
        Of each channel, empty where one says nothing; () where all have `unit`.
    kinds : tuple of str
        Of each channel, as mne calls them ("eeg", "eog", "stim", "misc", …); () where all are EEG.
    scales : tuple of float
        What the values of each channel are multiplied with to be in their unit; () where that is 1 for all.
    header : str
        The stream's own XML, as its sender gave it; empty where it has none.
    named_by : str
        Where names or a unit come from that the stream does not state itself, in words; else empty.
    """

    name: str
    labels: tuple[str, ...]
    unit: str
    rate_nominal: float
    source_id: str = ""
    host: str = ""
    type: str = "EEG"
    units: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    scales: tuple[float, ...] = ()
    header: str = field(default="", compare=False)
    named_by: str = field(default="", compare=False)

    @property
    def n_channels(self) -> int:
        """Channels of the stream."""
        return len(self.labels)


@dataclass(frozen=True)
class ClockOffset:
    """One measurement of a sender's clock against ours: LSL time = sender's stamp + `value`.

    `collected` is when it was measured, on our clock. Seconds.
    """

    collected: float
    value: float


@dataclass(frozen=True)
class RawChunk:
    """Samples as a sender gave them.

    Attributes
    ----------
    samples : array of shape (n_samples, n_channels), float32, in the stream's unit
    stamps : array of shape (n_samples,), float64 s, on the sender's clock, unchanged
    offsets : tuple of ClockOffset
        Measured since the last chunk; they take effect by their time, see `realtime.time.stamps`.
    reconnected : bool
        The first chunk after the stream was lost and found again.
    raw : array of shape (n_samples, n_channels), or None
        The samples in the format in which they came, for the recording; None where that is float32.
    """

    samples: FloatArray
    stamps: TimeArray
    offsets: tuple[ClockOffset, ...] = ()
    reconnected: bool = False
    raw: NDArray[Any] | None = None


@dataclass(frozen=True)
class EegChunk:
    """Samples at regular times on our clock.

    Attributes
    ----------
    samples : array of shape (n_samples, n_channels), float32, µV once conditioned
    stamps : array of shape (n_samples,), float64 s on the LSL clock, strictly rising
    gap_before : bool
        A new segment begins with the first sample: what came before does not join on.
    bad : array of shape (n_samples, n_channels), bool, or None
        Values that are missing on their channel alone, see `realtime.eeg.bad_values`; None where none is.
    """

    samples: FloatArray
    stamps: TimeArray
    gap_before: bool = False
    bad: BoolArray | None = None
