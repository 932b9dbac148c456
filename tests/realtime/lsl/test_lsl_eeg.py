"""EEG over LSL from real outlets in other processes, as they behave and as they misbehave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pylsl
import pytest

from realtime.errors import ConfigError, StreamFormatError, StreamNotFound
from realtime.lsl.eeg import LslEeg, StreamSelector
from realtime.lsl.link import ClockUnmeasured, Link
from realtime.lsl.selector import StreamSummary
from realtime.sources import EegSource
from realtime.time.stamps import StampFitter
from realtime.types import RawChunk, StreamState
from realtime.worker import Worker

PATIENCE_S = 20.0


@contextmanager
def process(*command: str, **more) -> Iterator[subprocess.Popen]:
    child = subprocess.Popen([sys.executable, "-m", *command], stderr=subprocess.DEVNULL, text=True, **more)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


@contextmanager
def headset(source_id: str, *options: str) -> Iterator[subprocess.Popen]:
    with process("phosphene", "headset", "--source-id", source_id, "--ramp", "number", *options) as child:
        yield child


@contextmanager
def connected(selector: str, **more) -> Iterator[LslEeg]:
    source = LslEeg(StreamSelector.parse(selector), resolve_s=PATIENCE_S, **more)
    source.open()
    try:
        yield source
    finally:
        source.close()


@contextmanager
def outlets(prefix: str, *rate: str) -> Iterator[subprocess.Popen]:
    """`tests.support.outlets.odd_outlets`, whose source ids begin with `prefix`."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with process("tests.support.outlets.odd_outlets", prefix, *rate, **pipes) as child:
        assert child.stdout.readline() == "ready\n"
        yield child


@pytest.fixture(scope="module")
def odd() -> Iterator[str]:
    prefix = f"odd-{uuid.uuid4().hex[:8]}"
    with outlets(prefix):
        yield prefix


def read_until(source: LslEeg, done: Callable[[list[RawChunk]], bool]) -> list[RawChunk]:
    """Read on until `done`; each read waits for samples, and patience ends."""
    chunks: list[RawChunk] = []
    end = time.monotonic() + PATIENCE_S
    while not done(chunks):
        assert time.monotonic() < end, source.health()
        chunk = source.read(0.02)
        if chunk is not None:
            chunks.append(chunk)
    return chunks


def samples_of(chunks: list[RawChunk]) -> np.ndarray:
    return np.concatenate([chunk.samples for chunk in chunks])


def at_least(n: int) -> Callable[[list[RawChunk]], bool]:
    return lambda chunks: sum(len(chunk.stamps) for chunk in chunks) >= n


@pytest.mark.parametrize("lost", [pylsl.util.TimeoutError("late"), ClockUnmeasured("no answer over UDP")])
def test_a_stream_whose_first_answers_are_lost_is_asked_again(source_id, monkeypatch, lost):
    answers = iter([lost, lost])

    def link(*given, **more):
        if (failure := next(answers, None)) is not None:
            raise failure
        return Link(*given, **more)

    monkeypatch.setattr("realtime.lsl.eeg.Link", link)
    with headset(source_id), connected(f"source_id={source_id}") as source:
        assert len(samples_of(read_until(source, at_least(100)))) >= 100


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (pylsl.util.LostError("gone"), "found and then did not answer"),
        (ClockUnmeasured("no answer over UDP"), "UDP"),
    ],
)
def test_a_stream_that_never_answers_is_refused_with_what_to_do(source_id, monkeypatch, lost, said):
    def link(*given, **more):
        raise lost

    monkeypatch.setattr("realtime.lsl.eeg.Link", link)
    source = LslEeg(StreamSelector(source_id=source_id), resolve_s=PATIENCE_S)
    with headset(source_id), pytest.raises((StreamNotFound, ClockUnmeasured), match=said):
        source.open()


def test_samples_come_with_labels_unit_and_stamps_and_none_is_missing(source_id):
    with headset(source_id, "--channels", "Fz,Cz,Oz", "--rate", "500", "--unit", "mV"):
        source = LslEeg(StreamSelector(source_id=source_id), resolve_s=PATIENCE_S)
        assert isinstance(source, EegSource)
        info = source.open()
        assert (info.labels, info.unit, info.rate_nominal) == (("Fz", "Cz", "Oz"), "mV", 500.0)
        chunks = read_until(source, at_least(1000))
        now = time.monotonic()
        health = source.health()
        source.close()
    samples, stamps = samples_of(chunks), np.concatenate([chunk.stamps for chunk in chunks])
    assert samples.dtype == np.float32
    assert samples.shape[1] == 3
    assert np.all(np.diff(samples[:, 0]) == 1)
    assert np.allclose(np.diff(stamps), 1 / 500, atol=1e-9)
    assert 0 <= now - stamps[-1] < 1.0
    (offset,) = chunks[0].offsets
    assert abs(offset.value) < 1e-3  # the sender is on this machine
    assert health.state is StreamState.LIVE
    assert health.samples == len(samples)


@pytest.mark.slow
def test_a_killed_headset_is_stalled_within_a_second_then_lost_then_live_again_and_the_gap_is_counted(
    source_id,
):
    with (
        headset(source_id, "--rate", "250") as first,
        connected(f"source_id={source_id}", lost_s=1.5) as source,
    ):
        chunks = read_until(source, at_least(300))
        first.kill()
        first.wait()
        chunks += read_until(source, lambda _: source.health().state is StreamState.STALLED)
        assert source.health().age_s < 1.0
        last = chunks[-1].stamps[-1]
        assert read_until(source, lambda _: source.health().state is StreamState.LOST) == []
        with headset(source_id, "--rate", "250"):
            chunks += (again := read_until(source, at_least(300)))
            assert source.health().state is StreamState.LIVE
            source.close()
    assert [chunk.reconnected for chunk in chunks].count(True) == 1
    assert again[0].reconnected
    assert again[0].offsets
    fitter = StampFitter(250.0)
    out = [part for chunk in chunks for part in fitter.push(chunk)] + fitter.flush()
    assert fitter.gaps == 1
    away = again[0].stamps[0] - last
    assert fitter.lost_samples == pytest.approx(away * 250 - 1, abs=2)
    assert [part.gap_before for part in out].count(True) == 1


def test_a_sender_that_falls_silent_is_stalled_and_goes_on_or_is_replaced_by_its_new_self(source_id):
    with outlets(source_id) as old, connected(f"source_id={source_id}-count") as source:
        read_until(source, at_least(50))
        os.kill(old.pid, signal.SIGSTOP)
        read_until(source, lambda _: source.health().state is StreamState.STALLED)
        os.kill(old.pid, signal.SIGCONT)
        chunks = read_until(source, at_least(300))
        assert source.health().state is StreamState.LIVE
        assert not any(chunk.reconnected for chunk in chunks)

        os.kill(old.pid, signal.SIGSTOP)  # it still holds the line, and says nothing
        read_until(source, lambda _: source.health().state is StreamState.STALLED)
        with outlets(source_id):
            chunks = read_until(source, lambda chunks: any(chunk.reconnected for chunk in chunks))
            assert source.health().state is StreamState.LIVE
            source.close()


def test_a_sender_that_comes_back_as_another_is_named_and_the_old_one_is_waited_for(source_id):
    with outlets(source_id) as first, connected(f"source_id={source_id}-count", lost_s=1.0) as source:
        read_until(source, at_least(20))
        first.kill()
        with outlets(source_id, "500"):
            read_until(source, lambda _: bool(source.health().warnings))
            assert "came back with 3 channels at 500" in source.health().warnings[0]
            read_until(source, lambda _: source.health().state is StreamState.LOST)
        with outlets(source_id):
            assert read_until(source, at_least(20))[0].reconnected


def test_opening_in_one_thread_and_reading_in_another_is_safe(source_id):
    with outlets(source_id):
        source = LslEeg(StreamSelector(source_id=f"{source_id}-count"), resolve_s=PATIENCE_S)
        source.open()
        chunks: list[RawChunk] = []

        def step() -> bool:
            chunk = source.read(0.05)
            if chunk is not None:
                chunks.append(chunk)
            return not at_least(200)(chunks)

        def end() -> None:
            source.close()
            closed.set()

        closed = threading.Event()
        worker = Worker("EEG", step, on_exit=end).start()
        assert closed.wait(PATIENCE_S)
    worker.raise_failure()
    assert np.all(np.diff(samples_of(chunks)[:, 0]) == 1)


def test_no_such_stream_lists_what_is_there(odd):
    source = LslEeg(StreamSelector(name="Atlantis"), resolve_s=0.3)
    with pytest.raises(StreamNotFound, match="no LSL stream fits 'name=Atlantis'") as caught:
        source.open()
    assert f"{odd}-twin (EEG, 3 ch, 250 Hz, float32" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_streams_that_fit_are_listed_with_the_option_that_tells_them_apart(odd):
    source = LslEeg(StreamSelector(name=f"{odd}-twin"), resolve_s=PATIENCE_S)
    with pytest.raises(StreamNotFound, match="2 LSL streams fit") as caught:
        source.open()
    message = str(caught.value)
    assert f"source_id={odd}-twin-a" in message
    assert f"source_id={odd}-twin-b" in message
    assert f"--eeg source_id={odd}-twin-" in message


def test_the_eeg_of_a_device_is_preferred_to_its_other_streams(odd):
    with connected(f"{odd}-device") as source:
        chunks = read_until(source, at_least(10))
        assert chunks
        assert source.health().name == f"{odd}-device"


@pytest.mark.parametrize(
    ("kind", "reason"), [("string", "carries strings"), ("irregular", "states no regular rate")]
)
def test_streams_that_are_no_samples_at_a_regular_rate_are_refused(odd, kind, reason):
    source = LslEeg(StreamSelector(source_id=f"{odd}-{kind}"), resolve_s=PATIENCE_S)
    with pytest.raises(StreamFormatError, match=reason):
        source.open()


@pytest.mark.parametrize("kind", ["double", "count"])
def test_other_number_formats_become_float32(odd, kind):
    with connected(f"source_id={odd}-{kind}") as source:
        samples = samples_of(read_until(source, at_least(100)))
        assert source.health().note == ""
    assert samples.dtype == np.float32
    assert np.all(np.diff(samples[:, 0]) == 1)
    assert samples[0, 1:] == pytest.approx([1.0, -1.0], abs=1e-6)


def test_labels_that_repeat_or_are_missing_are_made_unique(odd):
    for kind, labels in (("double", ("Fz", "Cz", "Fz-3")), ("count", ("ch1", "ch2", "ch3"))):
        source = LslEeg(StreamSelector(source_id=f"{odd}-{kind}"), resolve_s=PATIENCE_S)
        assert source.open().labels == labels
        source.close()


def test_stamps_in_unix_time_are_refused_with_a_way_out(odd):
    with (
        connected(f"source_id={odd}-unix") as source,
        pytest.raises(StreamFormatError, match="--clock arrival"),
    ):
        read_until(source, at_least(10))


def test_stamps_in_unix_time_are_set_against_their_arrival_on_request(odd):
    with connected(f"source_id={odd}-unix", clock="arrival") as source:
        chunks = read_until(source, at_least(500))
    stamps = np.concatenate([chunk.stamps for chunk in chunks])
    assert abs(stamps[-1] - time.time()) < 60  # raw stamps stay as they are
    fitter = StampFitter(250.0)
    times = np.concatenate([part.stamps for chunk in chunks for part in fitter.push(chunk)])
    assert -0.1 < time.monotonic() - times[-1] < 2.0
    assert fitter.gaps == 0


def test_an_unknown_clock_is_refused():
    with pytest.raises(ConfigError, match="check or arrival"):
        LslEeg(StreamSelector(), clock="wall")


# -- choosing ----------------------------------------------------------------------------------------


def summary(**more) -> StreamSummary:
    usual = {"name": "Muse", "type": "EEG", "n_channels": 5, "rate_nominal": 256.0, "format": "float32"}
    return StreamSummary(**{**usual, "host": "lab", "source_id": "m1", "uid": "u1", **more})


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("Muse", StreamSelector(name="Muse")),
        ("name=Muse", StreamSelector(name="Muse")),
        (" type = EEG , source_id=x ", StreamSelector(type="EEG", source_id="x")),
        ("host=lab", StreamSelector(host="lab")),
        ("", StreamSelector(type="EEG")),
    ],
)
def test_a_selection_is_read_as_it_is_written(text, selector):
    assert StreamSelector.parse(text) == selector
    assert StreamSelector.parse(str(selector)) == selector


@pytest.mark.parametrize("text", ["serial=4", "name=", "name=a,name=b"])
def test_a_selection_that_says_nothing_is_refused(text):
    with pytest.raises(ConfigError, match="name"):
        StreamSelector.parse(text)


def test_a_name_with_quotes_is_found_and_cannot_change_the_condition():
    assert StreamSelector(name="it's").predicate == 'name="it\'s"'
    assert StreamSelector(name="a'b\"c").predicate == "name=concat('a', \"'\", 'b\"c')"


def test_streams_equal_in_all_but_their_run_are_told_apart_by_it():
    twins = [summary(uid="u1"), summary(uid="u2")]
    with pytest.raises(StreamNotFound, match="--eeg uid=u1"):
        StreamSelector(name="Muse").choose(twins)


def test_with_nothing_on_the_network_the_message_says_how_to_begin():
    with pytest.raises(StreamNotFound, match="phosphene headset"):
        StreamSelector(name="Muse").choose([])
