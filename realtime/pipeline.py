"""The path of a sample from its source to a reading, as one object that can be stepped without threads."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from realtime.align import Aligner, without_electrodes, without_slots
from realtime.chance import ChanceTracker
from realtime.config import ConditioningConfig
from realtime.eeg.conditioning import choose_channels
from realtime.eeg.intake import EegIntake
from realtime.errors import ConfigError
from realtime.latencies import Latencies
from realtime.latest import Latest
from realtime.model import LooksAhead, Model, ModelCard, OtherVideo, Successor
from realtime.sources import EegSource, VideoSource
from realtime.taps import Taps
from realtime.types import EegInfo, IndexArray, Interval, OtherReading, OtherScores, Reading
from realtime.video.intake import VideoIntake

KEPT_READINGS = 480  # two minutes at the default hop, for the window's curves


class Pipeline:
    """Sources in, readings out.

    Live, `realtime.live.LiveRunner` gives each stream and the scoring a thread of its own. In replay and in
    tests nothing runs by itself: `advance(now)` brings everything up to `now` and runs every interval that
    is due, so that what comes out depends on the data alone.

    Parameters
    ----------
    eeg : EegSource
    video : VideoSource
        The main video: what is shown. It and the EEG decide when there is a reading, and over it goes chance.
    make_model : callable
        Called once with the chosen electrodes' names (after the EEG stream is open), returns the `Model`.
    conditioning : ConditioningConfig
        Its band is replaced by the one the model's card asks for.
    more_videos : sequence of VideoSource
        Further videos, such as the camera on the face. Each is a media item with its own mask; where one is
        missing it is masked, and readings go on.
    """

    def __init__(
        self,
        eeg: EegSource,
        video: VideoSource,
        make_model: Callable[[tuple[str, ...]], Model],
        conditioning: ConditioningConfig | None = None,
        more_videos: Sequence[VideoSource] = (),
    ):
        conditioning = conditioning or ConditioningConfig()
        self.eeg_info = eeg.open()
        sources = (video, *more_videos)
        self.video_infos = tuple(source.open() for source in sources)
        self.model = make_model(_labels(self.eeg_info, conditioning))
        card = self.model.card
        _check_paths(card)
        self.conditioning = conditioning.model_copy(
            update={"band_hz": card.band_hz, "channels": card.channels or conditioning.channels}
        )
        self.grid = card.grid
        self.readings: Latest[Reading] = Latest()
        self.taps: Taps[Reading] = Taps()
        self.left_out: frozenset[str] = frozenset()  # electrodes a person calls bad: masked for the network
        self.skipped_ticks = 0
        self.at_work = False  # while an interval is scored live; any thread may look
        self.masked_intervals = 0  # with EEG missing: a gap, or samples later than the lateness limit
        self.empty_intervals = 0  # too little valid data for a reading
        self.intervals = 0  # went into the network
        self.published = 0  # readings
        self.frames_not_ready = 0  # slots whose frame was not embedded in time
        self._latencies = Latencies()
        self._digest = hashlib.sha256()
        self.swapped: datetime | None = None  # when the model that runs took over; None for the first
        self._successor: Successor | None = None
        self._prepared_for: Successor | None = None
        self._begin(eeg, sources)

    def _begin(self, eeg: EegSource, videos: Sequence[VideoSource]) -> None:
        self.eeg = EegIntake(eeg, self.eeg_info, self.conditioning, self.grid)
        self.videos = tuple(
            VideoIntake(video, self.model, info.offset_s, number)
            for number, (video, info) in enumerate(zip(videos, self.video_infos, strict=True))
        )
        self.aligner = Aligner(self.grid, self.eeg.ring, self.eeg.scale, self.video.frames)
        self.history: tuple[Reading, ...] = ()
        self._chance = self._new_chance()
        self._next: int | None = None
        self._first = 0
        self._seen_ahead: int | None = None
        self._look_ms = 0.0

    def restart(self, since: float = 0.0) -> None:
        """Forget what came so far, as after a seek in a recording: no interval may span the jump.

        Parameters
        ----------
        since : float
            As in `begin_at`.
        """
        self.readings.clear()
        self._prepared_for = None
        eeg_taps, videos = self.eeg.taps, self.videos
        self.model.reset()
        self._begin(self.eeg.source, [video.source for video in videos])
        self.begin_at(since)
        self.eeg.taps = eeg_taps
        for video, before in zip(self.videos, videos, strict=True):
            video.taps = before.taps

    def begin_at(self, since: float) -> None:
        """Say which interval is the first: the last that ends at or before this time.

        It is a later one where the streams cannot fill that one. What is read before only fills the rings.
        """
        self._first = int(since / self.grid.hop_s)

    @property
    def video(self) -> VideoIntake:
        """The main video."""
        return self.videos[0]

    @property
    def labels(self) -> tuple[str, ...]:
        """The electrodes the network sees, in its order."""
        return self.eeg.conditioner.labels

    @property
    def digest(self) -> str:
        """SHA-256 over every interval that went into the network.

        It covers their numbers, EEG points, and frame numbers of each video at slots, whatever the network.
        """
        return self._digest.hexdigest()

    def swap(self, successor: Successor) -> None:
        """Have another model take over between two ticks; no reading is missed or made twice. Any thread.

        It takes over at the first tick at which it is ready: at the next one where it embeds every frame as
        the model before does, else as soon as it has embedded the frames of an interval in the thread that
        encodes; until then the model before goes on. Of two networks asked for, the later is taken.

        Raises
        ------
        ConfigError
            It wants other electrodes, another grid, band or size of pictures than the session was opened for.
        """
        if obstacle := self.model.card.obstacle(successor.model.card):
            raise ConfigError(
                f"{successor.model.card.weights} cannot take over in this session, it wants {obstacle}: "
                f"open a new session with it"
            )
        if (
            successor.of is None or self._successor is None
        ):  # a faster way to run a network that goes is no use
            self._successor = successor

    def _take_over(self, now: float) -> None:
        """Begin to prepare the model that was asked for, and go on with it once it is ready."""
        successor = self._successor
        if successor is None:
            return
        if successor.of not in (None, self.model):
            self._successor = None
            return
        if successor is not self._prepared_for:
            grid = self.grid
            held_s = grid.interval_s + grid.lag_s + grid.lateness_s + grid.max_hold_s
            for video in self.videos:
                video.prepare(successor.model, now - held_s, successor.alike)
            self._prepared_for = successor
        if not all(video.prepared for video in self.videos):
            return
        for video in self.videos:
            video.take_over(successor.model)
        if successor.of is None:
            self._chance = self._new_chance()
        self.model, self.swapped = successor.model, datetime.now()
        if self._successor is successor:
            self._successor = None

    def _new_chance(self) -> ChanceTracker:
        return ChanceTracker(round(self.grid.interval_s / self.grid.hop_s))

    def advance(self, now: float) -> list[Reading]:
        """Bring all streams up to `now` and run every interval that is due. For replay and tests."""
        self._take_over(now)
        while self.eeg.pump():
            pass
        for video in self.videos:
            while video.pump():
                pass
            video.encode(now)
        readings = []
        while (index := self._due(now)) is not None:
            self._next = index + 1
            if (reading := self._run(index, now)) is not None:
                readings.append(reading)
        return readings

    def step(self, now: float) -> Reading | None:
        """Run one tick: the newest interval that can be released; older ones are skipped and counted."""
        self._take_over(now)
        if not all(video.begun for video in self.videos):
            self.begin_at(now)
            return None
        first = self._due(now)
        if first is None:
            self._look_ahead()
            return None
        newest = int(now / self.grid.hop_s)
        index = next((i for i in range(newest, first, -1) if self._released(i, now)), first)
        self.skipped_ticks += index - first
        self._next = index + 1
        self.at_work = True
        try:
            return self._run(index, now)
        finally:
            self.at_work = False

    def _look_ahead(self) -> None:
        """Have the model see what the next interval shows, once all of it is there, before its EEG is."""
        index = self._next
        if index is None or index == self._seen_ahead or not isinstance(self.model, LooksAhead):
            return
        if any(video.frames.newest_stamp < self._last_seen(index) for video in self.videos):
            return
        shown = [self._shown(index, video) for video in self.videos]
        if not any(n_waiting for _, n_waiting in shown):
            begin = time.perf_counter()
            self.model.look(index, [video for video, _ in shown])
            self._seen_ahead, self._look_ms = index, (time.perf_counter() - begin) * 1e3

    def next_end(self, now: float) -> float:
        """When the next interval ends (it may be released a little later), seconds."""
        index = self._next if self._next is not None else int(now / self.grid.hop_s) + 1
        return index * self.grid.hop_s

    def _due(self, now: float) -> int | None:
        if self._next is None:
            first = self.aligner.first_index()
            self._next = None if first is None else max(first, self._first)
        index = self._next
        if index is None or index * self.grid.hop_s > now or not self._released(index, now):
            return None
        return index

    def _released(self, index: int, now: float) -> bool:
        """Say whether all streams have passed the interval, or it cannot wait any longer.

        Past the end of a recording nothing is released: a live session would have gone on there.
        """
        end, last_seen = index * self.grid.hop_s, self._last_seen(index)
        late = now - end >= self.grid.lateness_s
        if (
            self.eeg.ring.head >= self.grid.point_range(index)[1]
            and self.video.frames.newest_stamp >= last_seen
        ):
            return late or not any(self._awaited(video, last_seen, now) for video in self.videos[1:])
        return late and not (self.eeg.source.finished or self.video.source.finished)

    def _last_seen(self, index: int) -> float:
        """Time of the last that is seen of an interval's video, seconds."""
        card = self.model.card
        step_s = 1 / (card.grid.eeg_hz if card.slot_means else card.grid.slots_hz)
        return index * self.grid.hop_s - self.grid.lag_s - step_s

    def _awaited(self, video: VideoIntake, last_seen: float, now: float) -> bool:
        """Say whether frames of a further video are on their way.

        One that stands still, or that has ended, must not make every reading late; what it does not show is
        masked.
        """
        newest = video.frames.newest_stamp
        stands = video.source.finished or now - newest > self.grid.max_hold_s
        return newest < last_seen and not stands

    def _run(self, index: int, now: float) -> Reading | None:
        begin = time.perf_counter()
        interval, number = self.aligner.interval(index)
        embeddings, ready = self.video.embeddings(number, self._at_points(index, self.video))
        self.frames_not_ready += int(np.sum(interval.frame_valid & ~ready))
        if not interval.eeg_valid.all():
            self.masked_intervals += 1
        there = interval.eeg_valid  # of what the stream gave, whatever is left out of it
        eeg_share = float(np.mean(there.mean(axis=0) >= 0.5))  # one loose electrode is no gap
        interval = without_slots(without_electrodes(interval, self.labels, self.left_out), ~ready)
        others = tuple(self._other(index, video) for video in self.videos[1:])
        video_share = float(interval.frame_valid.mean())
        if min(eeg_share, video_share) < self.grid.min_valid:
            self.empty_intervals += 1
            return None
        cut = time.perf_counter()
        scores = self.model.score(interval, embeddings, others)
        scored = time.perf_counter()
        self._account(interval, others)
        stage_ms = {
            "look": self._look_ms if index == self._seen_ahead else 0.0,
            "wait": (now - interval.end) * 1e3,
            "cut": (cut - begin) * 1e3,
            "score": (scored - cut) * 1e3,
            "encode_frame": self.video.encode_ms,
        }
        chance = self._chance.update(index, scores.similarity, scores.impostors)
        reading = Reading(
            seq=self.intervals,
            index=index,
            end=interval.end,
            emitted=now + (time.perf_counter() - begin),
            similarity=scores.similarity,
            match=scores.match,
            chance=chance,
            attention=scores.attention,
            gate=scores.gate,
            frame_seq=interval.frame_seq,
            eeg_valid_share=eeg_share,
            video_valid_share=video_share,
            stage_ms=stage_ms,
            share=scores.share,
            others=tuple(self._told(*pair) for pair in zip(others, scores.others, strict=True)),
            channel_valid=tuple(map(float, there.mean(axis=1))),
        )
        self._publish(reading)
        return reading

    def _other(self, index: int, video: VideoIntake) -> OtherVideo:
        """Return a further video during an interval."""
        shown, n_waiting = self._shown(index, video)
        self.frames_not_ready += n_waiting
        return shown

    def _shown(self, index: int, video: VideoIntake) -> tuple[OtherVideo, int]:
        """Return a video during an interval, and at how many slots its frame is not embedded yet."""
        seq, valid, number = self.aligner.on_show(index, video.frames)
        embeddings, ready = video.embeddings(number, self._at_points(index, video))
        return OtherVideo(seq, valid & ready, embeddings), int(np.sum(valid & ~ready))

    def _at_points(self, index: int, video: VideoIntake) -> IndexArray | None:
        """Return the frame at each point, for a model that wants to know."""
        return self.aligner.at_points(index, video.frames) if self.model.card.slot_means else None

    def _told(self, video: OtherVideo, scores: OtherScores) -> OtherReading:
        valid = float(video.frame_valid.mean())
        return OtherReading(
            similarity=scores.similarity,
            match=scores.match,
            attention=scores.attention,
            share=scores.share,
            frame_seq=video.frame_seq,
            video_valid_share=valid,
            enough=valid >= self.grid.min_valid,
        )

    def _account(self, interval: Interval, others: Sequence[OtherVideo]) -> None:
        self.intervals += 1
        shown = [(interval.frame_valid, interval.frame_seq), *((v.frame_valid, v.frame_seq) for v in others)]
        for part in (
            np.int64(interval.index),
            np.ascontiguousarray(interval.eeg),
            np.packbits(interval.eeg_valid),
            *(np.where(valid, seq, -1).astype(np.int64) for valid, seq in shown),
        ):
            self._digest.update(part.tobytes())

    def _publish(self, reading: Reading) -> None:
        self.published += 1
        self._latencies.add(reading.latency_ms)
        self.history = (*self.history[1 - KEPT_READINGS :], reading)
        self.readings.put(reading)
        self.taps(reading)

    def latency_ms(self) -> dict[str, float]:
        """p50, p95, p99 and max from an interval's end to its reading; empty before the first."""
        return self._latencies.told()

    def close(self) -> None:
        """Close every source."""
        self.eeg.source.close()
        for video in self.videos:
            video.source.close()


def _labels(info: EegInfo, conditioning: ConditioningConfig) -> tuple[str, ...]:
    return tuple(info.labels[i] for i in choose_channels(info.labels, conditioning.channels, info.kinds))


def _check_paths(card: ModelCard) -> None:
    """Check that a path's frames lie on the same slots in every interval, or caches would not meet."""
    for path, every in card.paths.items():
        if card.grid.hop_slots % every or card.grid.slot_range(0)[0] % every:
            raise ConfigError(
                f"path {path} takes every {every}th slot, which does not divide the hop of "
                f"{card.grid.hop_slots} slots and the interval of {card.grid.n_slots}; choose another every_n"
            )
