"""The recorder is killed, again and again, at any moment."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recordings.session.session import Session
from recordings.session.tracks import VideoTrack
from recordings.video.files import VideoReader
from tests.faults.bench import N_FILM, Bench, Fault, Row, now, whole
from tests.faults.sender import row_of
from tests.support.pictures.numbered import read_number


def kills(bench: Bench, n_kills: int = 50) -> list[Row]:
    """Kill -9 at any moment of `phosphene record`: the EEG of a sender, and a film of numbered frames."""
    rng, amp = np.random.default_rng(0), bench.sender()
    found = [_killed(bench, amp, bench.folder / f"kill{k}", rng.uniform(1.0, 4.0)) for k in range(n_kills)]
    lost, films = [one.lost_s for one in found], [one for one in found if one.n_frames]
    late = sum(one > 0.5 for one in lost)
    seen = (
        f"{n_kills} kills: 0 wrong values; lost at most {max(lost):.2f} s, in the middle "
        f"{float(np.median(lost)):.2f} s, more than 0.5 s {late} times"
    )
    kept = f"all before; {len(films)} videos of a second and more, each from its first frame on"
    return [Row("kill -9 at any moment", seen, kept)]


_CLUSTER_S = 1.0  # half a second is a cluster, and is written when the next begins; and the encoder's turn


@dataclass(frozen=True)
class Killed:
    """What a recording that was killed has come to: seconds lost, and frames if it had a second of them."""

    lost_s: float
    n_frames: int


def _killed(bench: Bench, amp: Fault, root: Path, after_s: float) -> Killed:
    """Record, kill it so long after its first samples, and look at every value that it has left."""
    run = bench.record(amp, out=root)
    run.wait_for(2000)
    time.sleep(after_s)
    at = now()
    run.process.kill()
    run.process.wait()
    with Session(run.folder) as session:
        (stream,) = (s for s in session.reader.streams.values() if s.info.name == amp.name)
        stamps, values = session.reader.read(stream.info.stream_id)
        numbers = np.asarray(values)[:, -1].astype(np.int64)
        whole(numbers)
        right = row_of(numbers, values.shape[1] - 1).astype(np.float32)
        assert np.array_equal(values[:, :-1], right), "a wrong value"
        n_frames = 0
        shown = session.video().times if session.usable_videos else np.zeros(0)
        if shown[-1:].sum() - shown[:1].sum() >= 1.0:
            n_frames = _played(session.video().path, session.video())
    return Killed(max(0.0, at - float(stamps[-1])), n_frames)


def _played(film: Path, track: VideoTrack) -> int:
    """Play all of a film; each frame is the one its stream says it is, from the first on."""
    with VideoReader(film) as reader:
        numbers = [read_number(image) for _, _, image in reader]
    known = min(len(numbers), track.n_samples)
    lost_s = float(track.times[-1] - track.times[known - 1])
    assert lost_s < _CLUSTER_S, f"{lost_s:.2f} s of the video are lost"
    assert track.frame_index[:known].tolist() == list(range(known))
    assert numbers[:known] == (track.seq[:known] % N_FILM).tolist(), "a wrong frame"
    return known
