"""What is shown and a camera on the face: each a media item with a mask, scores, a clock and a recording."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from gui.compose import ModelChoice, open_replay
from gui.run import Surface, run
from models.config import preset
from models.inference import stages
from models.inference.backends import BACKENDS
from models.inference.engine import Engine
from models.network.network import Batch, Network
from realtime.clock import ManualClock
from realtime.errors import ConfigError
from realtime.live import LiveRunner
from realtime.model import OtherVideo
from realtime.pipeline import Pipeline
from realtime.types import Interval, Scores
from recordings.options import RecordingOptions
from recordings.pipeline_recording import PipelineRecording
from recordings.replay import ReplayEeg, replay_videos
from recordings.session import Session
from tests.checkpoints import write_checkpoint
from tests.fakes import ArithmeticModel, ArrayEeg, ArrayVideo
from tests.networks import LABELS, small_network

RATE = 250.0
CAMERA_BEGINS = 100.412
N_TIMES, N_SLOTS = 300, 40
PARTS = {
    "own": {"masks": "own"},
    "own+1": {"masks": "own+1"},
    "past": {"masks": "past"},
    "global": {"masks": "global", "fusion": "perceiver"},
    "two paths": {"masks": "own+1", "slow": {"kind": "tiny", "image_px": 32, "width": 16}},
}


# ---------------------------------------------------------------- the engine
def interval(index: int) -> Interval:
    eeg = np.random.default_rng(index).normal(0, 20, (len(LABELS), N_TIMES)).astype(np.float32)
    return Interval(
        index, index * 0.25, eeg, np.ones(eeg.shape, bool), np.full(len(LABELS), 20, np.float32),
        np.arange(N_SLOTS), np.ones(N_SLOTS, bool),
    )  # fmt: skip


def shown(engine: Engine, index: int, video: int) -> dict[str, np.ndarray]:
    """What a video shows during an interval: another for each, the same whenever it is asked for."""
    random = np.random.default_rng((index, video))
    return {
        path: random.normal(size=(N_SLOTS // every, *engine.network.frame_shape(path))).astype(np.float32)
        for path, every in engine.card.paths.items()
    }


def score(engine: Engine, index: int, videos: tuple[int, ...], masked: tuple[int, ...] = ()) -> Scores:
    """Score an interval with these videos, the first of them as the main one."""
    main, *more = videos
    others = [
        OtherVideo(np.arange(N_SLOTS), np.full(N_SLOTS, n not in masked), shown(engine, index, n))
        for n in more
    ]
    return engine.score(interval(index), shown(engine, index, main), others)


def play(videos: tuple[int, ...], masked: tuple[int, ...] = (), **changes: Any) -> list[Scores]:
    engine = Engine(small_network(**changes))
    return [score(engine, index, videos, masked) for index in range(20, 33, 2)]


def parts_of(scores: Any) -> list[np.ndarray]:
    attention = scores.attention
    return [
        np.array([scores.similarity, scores.match]),
        attention.matrix, attention.frames, attention.patches, attention.channels,
    ]  # fmt: skip


@pytest.mark.parametrize("masked", [(), (1,)])
def test_a_second_video_masked_or_not_changes_no_bit_of_the_first(masked: tuple[int, ...]) -> None:
    for alone, beside in zip(play((0,)), play((0, 1), masked), strict=True):
        for one, other in zip(parts_of(alone), parts_of(beside), strict=True):
            assert np.array_equal(one, other)
        assert np.array_equal(alone.impostors, beside.impostors)
        assert (alone.share, alone.others) == (1.0, ())
        assert beside.share == pytest.approx(1.0) if masked else 0 < beside.share < 1


@pytest.mark.parametrize("changes", PARTS.values(), ids=PARTS)
def test_each_video_scores_as_if_it_were_the_only_one(changes: dict[str, Any]) -> None:
    together = play((0, 1, 2), **changes)
    for n in (1, 2):
        for alone, all_three in zip(play((n,), **changes), together, strict=True):
            for one, other in zip(parts_of(alone), parts_of(all_three.others[n - 1]), strict=True):
                np.testing.assert_allclose(one, other, atol=1e-5)
    for scores in together:
        assert scores.share + sum(other.share for other in scores.others) == pytest.approx(1, abs=1e-5)
        assert min(other.share for other in scores.others) > 0


def test_whole_clip_encoders_score_several_videos_too(tmp_path) -> None:
    clip = {"kind": "videomae", "source": str(write_checkpoint("videomae", tmp_path))}
    changes = {"fast": None, "clip": clip, "compression.latents_per_s": 8, "grid.interval_s": 1.0}
    torch.manual_seed(0)
    engine = Engine(Network(preset("demo", changes), LABELS).eval())
    (other,) = score(engine, 20, (0, 1)).others
    engine.reset()
    alone = score(engine, 20, (1,))
    assert (other.similarity, other.match) == (alone.similarity, alone.match)
    assert 0 < other.share < 1


def test_a_video_that_showed_nothing_yet_is_told_as_nothing() -> None:
    engine = Engine(small_network())
    never = OtherVideo(np.full(N_SLOTS, -1), np.zeros(N_SLOTS, bool), {})
    (other,) = engine.score(interval(20), shown(engine, 20, 0), [never]).others
    assert (other.similarity, other.share) == (0.0, 0.0)
    assert np.isfinite(other.match)
    assert (other.attention.matrix == 0).all()


def test_one_video_is_fused_once_and_each_further_one_only_beside_the_fusion_of_all() -> None:
    for videos, calls in (((0,), 1), ((0, 1), 3), ((0, 1, 2), 4)):
        engine = Engine(small_network(masks="own+1"))
        seen = _watch_fusion(engine)
        score(engine, 20, videos)
        assert seen == [2] * len(videos) + [2 * len(videos)] * (calls - len(videos))


def _watch_fusion(engine: Engine) -> list[int]:
    """How many items each call of the fusion is given, as they come."""
    seen: list[int] = []

    def watched(stage: Any) -> Any:
        return lambda *given: (seen.append(given[2].shape[2]), stage(*given))[1]

    engine.stages.fuse = watched(engine.stages.fuse)
    engine.stages.fuse_all = watched(engine.stages.fuse_all)
    return seen


def test_compiled_shapes_are_of_the_number_of_videos_and_another_is_refused(monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(stages.CHOICES, "kept", ("kept", "fp32"))
    monkeypatch.setitem(BACKENDS, "kept", "tests.test_compile:Kept")
    monkeypatch.setenv("PHOSPHENE_COMPILED", str(tmp_path))
    network = small_network(masks="own+1")
    engine = Engine(network).compile("kept", n_videos=2)
    plain = Engine(network)
    one, other = score(engine, 20, (0, 1)), score(plain, 20, (0, 1))
    assert (one.match, one.share, one.others[0].share) == (other.match, other.share, other.others[0].share)
    with pytest.raises(ConfigError, match="compiled for 2 videos and is given 1"):
        score(engine, 22, (0,))


def test_the_packing_is_that_of_one_forward_over_all_videos() -> None:
    """Shares live, against the attention of a single offline batch of the same intervals and videos."""
    network = small_network(masks="own+1")
    engine = Engine(network)
    for index in (28, 32):
        live = score(engine, index, (0, 1))
    cuts = [interval(28), interval(32)]
    frames = [shown(engine, index, video)["fast"] for video in (0, 1) for index in (28, 32)]
    batch = Batch(
        eeg=_stack([cut.eeg for cut in cuts]),
        eeg_valid=_stack([cut.eeg_valid for cut in cuts]),
        eeg_scale=_stack([cut.eeg_scale for cut in cuts]),
        frames={"fast": _stack(frames)},
        frame_valid=torch.ones(1, 4, N_SLOTS, dtype=torch.bool),
    )
    with torch.inference_mode():
        attention = network(batch, explain=True).fused.attention[0, -1]
    share = attention.unflatten(-1, (2, -1)).sum(dim=(0, 2)) / attention.sum()
    assert live.share == pytest.approx(float(share[0]), abs=1e-5)
    assert live.others[0].share == pytest.approx(float(share[1]), abs=1e-5)


def _stack(arrays: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(arrays))[None]


# ---------------------------------------------------------------- the pipeline
def sources(clock: ManualClock, seconds: float = 12.0, until: float | None = None):
    """EEG, a film of 30 frames a second, and a camera of 25 that begins 0.412 s later and may stop.

    No frame of the camera falls on a slot.
    """
    random = np.random.default_rng(5)
    stamps = 100 + np.arange(int(seconds * RATE)) / RATE
    samples = random.normal(0, 20, (len(stamps), 3)).astype(np.float32)
    camera = CAMERA_BEGINS + np.arange(int((seconds - 0.4) * 25)) / 25
    if until is not None:
        camera = camera[camera < until]
    return (
        ArrayEeg(clock, samples, stamps, RATE),
        ArrayVideo(clock, 100 + np.arange(int(seconds * 30)) / 30, size=(16, 16)),
        ArrayVideo(clock, camera, size=(16, 24), ends=False, seqs=500 + np.arange(len(camera))),
    )


def pipeline(clock: ManualClock, *given) -> tuple[Pipeline, ArithmeticModel]:
    eeg, video, *more = given
    model = ArithmeticModel()
    return Pipeline(eeg, video, lambda labels: model, more_videos=more), model


def advance(running: Pipeline, clock: ManualClock, start: float, stop: float, step: float):
    readings = []
    for now in np.arange(start, stop, step):
        clock.set(now)
        readings += running.advance(now)
    return readings


def test_each_video_has_its_own_frames_and_every_frame_is_encoded_once_for_its_video() -> None:
    clock = ManualClock(0)
    running, model = pipeline(clock, *sources(clock))
    readings = advance(running, clock, 99, 113, 0.05)
    assert len(readings) > 30
    for interval, others, reading in zip(model.intervals, model.others, readings, strict=True):
        times = interval.end - 2.5 + np.arange(80) / 40
        (camera,), (told,) = others, reading.others
        expected = 500 + np.floor((times - CAMERA_BEGINS) * 25).astype(int)
        there = times >= CAMERA_BEGINS
        assert (camera.frame_seq[there] == expected[there]).all()
        assert (camera.frame_valid == there).all()
        assert (camera.embeddings["fast"][there, 0, 0] == expected[there] % 251).all()
        assert told.video_valid_share == there.mean()
        assert told.enough == (there.mean() >= 0.8)
    for encoded in model.encoded_of.values():
        shown_at_all, counts = np.unique(encoded, return_counts=True)
        assert len(shown_at_all) > 200
        assert counts.max() <= 2  # levels are frame numbers modulo 251
    assert sum(map(len, model.encoded_of.values())) <= running.video.n_frames + running.videos[1].n_frames


def test_readings_of_the_main_video_are_those_of_a_session_without_the_other() -> None:
    clock, clock2 = ManualClock(0), ManualClock(0)
    both, one = pipeline(clock, *sources(clock))[0], pipeline(clock2, *sources(clock2)[:2])[0]
    told = [advance(running, at, 99, 113, 0.05) for running, at in ((both, clock), (one, clock2))]
    assert [(r.index, r.similarity, r.match) for r in told[0]] == [
        (r.index, r.similarity, r.match) for r in told[1]
    ]
    assert both.digest != one.digest


def test_a_second_video_that_stands_still_is_masked_and_readings_go_on_as_fast_as_before() -> None:
    clock = ManualClock(0)
    running, _ = pipeline(clock, *sources(clock, until=105.0))
    readings = advance(running, clock, 99, 113, 0.01)
    ends = np.array([r.end for r in readings])
    assert np.allclose(np.diff(ends), 0.25)
    assert ends[-1] > 111
    gone = [r for r in readings if r.end > 105 + running.grid.max_hold_s + 2.5]
    assert gone
    assert all(r.others[0].video_valid_share == 0 and not r.others[0].enough for r in gone)
    assert all(r.video_valid_share == 1 for r in gone)
    waits = [r.stage_ms["wait"] for r in readings]
    assert max(waits) < 1e3 * running.grid.lateness_s + 11
    before = [r.stage_ms["wait"] for r in readings if r.end < 104]
    assert np.median([r.stage_ms["wait"] for r in gone]) == pytest.approx(np.median(before))


def test_a_restart_keeps_every_videos_taps() -> None:
    clock = ManualClock(0)
    running, _ = pipeline(clock, *sources(clock))
    for video in running.videos:
        video.taps = [lambda frame: None]
    taps = [video.taps for video in running.videos]
    running.restart()
    assert [video.taps for video in running.videos] == taps


def test_live_every_video_is_read_in_a_thread_of_its_own() -> None:
    clock = ManualClock(100)
    running, _ = pipeline(clock, *sources(clock, seconds=3.0))
    runner = LiveRunner(running, clock)
    assert [worker.name for worker in runner._workers] == ["EEG", "video", "video 2", "encoding", "scoring"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running.videos[1].source, "read", _unplugged)
        runner.launch()
        runner._workers[2]._thread.join(5)
        runner.stop()
    assert "unplugged" in str(runner.failure)


def _unplugged(timeout_s: float = 0.0) -> None:
    raise OSError("unplugged")


# ---------------------------------------------------------------- recorded and replayed
@pytest.mark.parametrize("until", [None, 107.0])
def test_live_recorded_and_replayed_with_two_videos_give_the_same_digest(tmp_path, until) -> None:
    clock = ManualClock(0)
    running, model = pipeline(clock, *sources(clock, until=until))
    options = RecordingOptions(codec="ffv1", frames_queued=1000)
    with PipelineRecording(running, tmp_path, options) as recording:
        live = advance(running, clock, 99, 115, 0.01)
    assert recording.recorder.failure is None
    assert {path.name for path in tmp_path.glob("*.mkv")} == {"video.mkv", "video2.mkv"}
    with Session(tmp_path) as session:
        assert [info.name for info in session.video_streams] == ["video", "video2"]
        assert session.video().name == "video"
        assert session.video("video2").seq[0] == 500
        for step in (0.05, 0.73):
            clock2 = ManualClock(0)
            videos = replay_videos(session, clock2)
            again, model2 = pipeline(clock2, ReplayEeg(session, clock2), *videos)
            replayed = advance(again, clock2, 99, 116, step)
            assert again.digest == running.digest
            assert model2.fingerprint() == model.fingerprint()
            assert [r.others[0].match for r in replayed] == [r.others[0].match for r in live]
        _check_readings(session, live)


def _check_readings(session: Session, live) -> None:
    stream = next(s for s in session.reader.streams.values() if s.info.type == "Readings")
    rows = session.reader.read(stream.info.stream_id)[1]
    assert rows.shape == (len(live), 16)
    expected = [r.others[0].match if r.others[0].enough else np.nan for r in live]
    np.testing.assert_array_equal(rows[:, 13], expected)
    np.testing.assert_array_equal(rows[:, 15], [r.others[0].video_valid_share for r in live])


def test_a_session_of_two_videos_opens_with_both_and_its_summary_tells_each(tmp_path) -> None:
    clock = ManualClock(0)
    running, _ = pipeline(clock, *sources(clock, seconds=6))
    with PipelineRecording(running, tmp_path, RecordingOptions(frames_queued=1000)):
        advance(running, clock, 99, 107, 0.05)
    opened = open_replay(tmp_path, ModelChoice(), speed=np.inf)
    summary = run(opened, Surface.NONE)
    assert summary["errors"] == []
    assert summary["digest"] == running.digest
    (other,) = summary["other_videos"]
    assert other["frames"] == 140
    assert -1 <= other["similarity_mean"] <= 1
    assert summary["video"]["similarity_mean"] is not None
