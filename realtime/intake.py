"""From a source into the rings: one intake a stream, each called by one thread."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from realtime.align import FrameHistory
from realtime.config import ConditioningConfig, GridConfig
from realtime.eeg.conditioning import Conditioner, RunningScale
from realtime.eeg.quality import QualityMonitor
from realtime.eeg.units import flag_amplitude, microvolts_per_unit
from realtime.latest import Latest
from realtime.model import Model
from realtime.ring import GridRing
from realtime.sources import EegSource, VideoSource
from realtime.taps import Taps
from realtime.time.interpolation import GridInterpolator
from realtime.time.stamps import StampFitter
from realtime.types import ClockOffset, EegHealth, EegInfo, Frame, IndexArray, RawChunk, VideoHealth
from realtime.video.frames import shrink


class EegIntake:
    """Source → stamps → conditioning → grid.

    Parameters
    ----------
    source : EegSource
        Already open; `info` is what `open` returned.
    history_s : float
        How much conditioned EEG the ring keeps.
    """

    def __init__(
        self,
        source: EegSource,
        info: EegInfo,
        config: ConditioningConfig,
        grid: GridConfig,
        history_s: float = 60.0,
        scales_kept: int = 32,
    ):
        self.info = info
        self.source = source
        self.fitter = StampFitter(info.rate_nominal)
        gain = microvolts_per_unit(config.unit or info.unit)
        self.conditioner = Conditioner(config, info.labels, gain, info.rate_nominal)
        n_channels = len(self.conditioner.labels)
        self.ring = GridRing(round(history_s * grid.eeg_hz), n_channels)
        self.scale = RunningScale(n_channels, info.rate_nominal, config.scale_s, scales_kept)
        self.quality = QualityMonitor(self.conditioner.labels, info.rate_nominal)
        self.taps: Taps[RawChunk] = Taps()  # called in this intake's thread; must not block
        self.offset: ClockOffset | None = None  # the sender's clock as last measured, before the newest chunk
        self._interpolator = GridInterpolator(grid.eeg_hz, self.ring)
        self._flushed = False

    def pump(self, timeout_s: float = 0.0) -> bool:
        """Take what the source has, waiting up to `timeout_s` for it; True if samples came."""
        raw = self.source.read(timeout_s)
        if raw is not None:
            self.taps(raw)
            if raw.offsets:
                self.offset = raw.offsets[-1]
            self._take(self.fitter.push(raw))
        elif self.source.finished and not self._flushed:
            self._flushed = True
            self._take(self.fitter.flush())
        return raw is not None

    def _take(self, chunks: list) -> None:
        for chunk in chunks:
            microvolt = self.conditioner.to_microvolt(chunk.samples)
            self.quality.push(microvolt)
            conditioned = self.conditioner.push(chunk, microvolt)
            self.scale.push(conditioned)
            self._interpolator.push(conditioned)

    def health(self) -> EegHealth:
        fitter = self.fitter
        health = self.source.health()
        return replace(
            health,
            n_channels=self.ring.width,
            rate_nominal=self.info.rate_nominal,
            rate_effective=fitter.rate_effective,
            drift_ppm=fitter.drift_ppm,
            gaps=fitter.gaps,
            lost_samples=fitter.lost_samples,
            samples=fitter.samples,
            note=health.note or flag_amplitude(self.quality.amplitude_uv),
        )


class VideoIntake:
    """Source → small pictures → embeddings, each frame encoded once, and only if a slot of the grid shows it.

    Parameters
    ----------
    source : VideoSource
        Already open.
    model : Model
        Its card says which paths there are and how small a picture may be.
    offset_s : float
        How much later than the light the source stamps; taken off every stamp here. Taps are given the
        frame before that: a recording keeps the source's own stamps and the offset beside them, and a
        replay subtracts the same number, so both come to the same times bit for bit.
    number : int
        Which video of the pipeline it is, 0 for the main one.
    stopwatch : callable
        Tells what a batch of frames took, seconds.
    """

    def __init__(
        self,
        source: VideoSource,
        model: Model,
        offset_s: float = 0.0,
        number: int = 0,
        capacity: int = 512,
        stopwatch: Callable[[], float] = time.perf_counter,
    ):
        self.source = source
        self.number = number
        self._stopwatch = stopwatch
        self.frames = FrameHistory(capacity)
        self.preview: Latest[Frame] = Latest()
        self.taps: Taps[Frame] = Taps()
        self.encode_ms: float = 0.0  # of the last batch, a frame
        self.n_frames = 0
        self.lost = 0  # numbers missing between frames
        self.thinned = 0  # frames that were due and not embedded, for want of time
        self._model, self._offset_s = model, offset_s
        self._cost_s = dict.fromkeys(model.card.paths, 0.0)  # of one frame, in the last batch
        self._newest = dict.fromkeys(model.card.paths, -1)  # number of the newest frame with an embedding
        self._slots_hz = model.card.grid.slots_hz
        self._embeddings: dict[str, np.ndarray] = {}
        self._encoded = {path: np.full(capacity, -1, np.int64) for path in model.card.paths}
        self._next = dict.fromkeys(model.card.paths, 0)
        self._last_seq: int | None = None

    def pump(self, timeout_s: float = 0.0) -> bool:
        """Take one frame, waiting up to `timeout_s` for it; True if one came."""
        frame = self.source.read(timeout_s)
        if frame is not None:
            self.taps(frame)
            frame = replace(frame, stamp=frame.stamp - self._offset_s)
            self.preview.put(frame)
            if self._last_seq is not None:
                self.lost += max(0, frame.seq - self._last_seq - 1)
            self._last_seq = frame.seq
            self.n_frames += 1
            self.frames.append(shrink(frame.image, self._model.card.image_px), frame.stamp, frame.seq)
        return frame is not None

    def encode(self, now: float, budget_s: float = math.inf) -> None:
        """Embed the frames that a slot up to `now` shows and that were not embedded yet.

        May be called by another thread than `pump`, always by the same.

        Parameters
        ----------
        budget_s : float
            What a path's frames may take, by what one took last. Where that is not enough for all, evenly
            spread ones are embedded, the newest among them; the others are counted in `thinned`, and in their
            place stands the one before.
        """
        first, stamps = self.frames.times.tail("stamp")
        for path, every in self._model.card.paths.items():
            start = max(self._next[path], first)
            due = [
                n for n in range(start, first + len(stamps)) if self._on_show(n - first, stamps, every, now)
            ]
            settled = first + len(stamps) - 1  # the newest may still come on show
            self._next[path] = max(start, settled if settled not in due else settled + 1)
            chosen = _spread(due, budget_s, self._cost_s[path])
            images = [(n, image) for n in chosen if (image := self.frames.image(n)) is not None]
            before = self._newest[path]
            if images:
                self._embed(path, images)
            self._stand_in(path, due, before)

    def _on_show(self, i: int, stamps: np.ndarray, every: int, now: float) -> bool:
        """Does a slot of this path fall on frame i's time on show, as far as that has passed?"""
        slot = int(stamps[i] * self._slots_hz) // every * every
        while slot / self._slots_hz < stamps[i]:
            slot += every
        shown_at = slot / self._slots_hz
        return shown_at < stamps[i + 1] if i + 1 < len(stamps) else shown_at <= now

    def _embed(self, path: str, images: list[tuple[int, np.ndarray]]) -> None:
        begin = self._stopwatch()
        embedded = self._model.encode([image for _, image in images], path, self.number)
        self._cost_s[path] = (self._stopwatch() - begin) / len(images)
        self.encode_ms = self._cost_s[path] * 1e3
        capacity = self.frames.times.capacity
        if path not in self._embeddings:
            self._embeddings[path] = np.zeros((capacity, *embedded.shape[1:]), np.float32)
        for (number, _), row in zip(images, embedded, strict=True):
            self._embeddings[path][number % capacity] = row
            self._encoded[path][number % capacity] = number
        self._newest[path] = images[-1][0]

    def _stand_in(self, path: str, due: list[int], before: int) -> None:
        """Give each due frame that was not embedded what the one embedded before it has."""
        capacity = self.frames.times.capacity
        encoded = self._encoded[path]
        for number in due:
            if encoded[number % capacity] == number:
                before = number
                continue
            self.thinned += 1
            if before >= 0 and encoded[before % capacity] == before:
                self._embeddings[path][number % capacity] = self._embeddings[path][before % capacity]
                encoded[number % capacity] = number

    def embeddings(self, number: IndexArray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Embeddings of the frames at an interval's slots, and which slots have theirs.

        Parameters
        ----------
        number : array of shape (n_slots,), int64
            Order of arrival of the frame at each slot, -1 where none.
        """
        ready = np.ones(len(number), bool)
        found = {}
        capacity = self.frames.times.capacity
        for path, every in self._model.card.paths.items():
            wanted = number[::every]
            there = (wanted >= 0) & (self._encoded[path][wanted % capacity] == wanted)
            ready[::every] &= there
            if path in self._embeddings:
                rows = self._embeddings[path][wanted % capacity]
                rows[~there] = 0.0
                found[path] = rows
        return found, ready

    def health(self) -> VideoHealth:
        health = self.source.health()
        late = f"too slow for every frame: {self.thinned} show the one before" if self.thinned else ""
        dropped = max(health.dropped, self.lost)
        return replace(
            health, frames=self.n_frames, dropped=dropped, thinned=self.thinned, note=health.note or late
        )


def _spread(due: list[int], budget_s: float, cost_s: float) -> list[int]:
    """As many of `due` as the budget suffices for, at least the newest, evenly spread."""
    if cost_s * len(due) <= budget_s:
        return due
    most = max(1, int(budget_s / cost_s))
    return [due[-1 - i * len(due) // most] for i in reversed(range(most))]
