"""Faults of the EEG itself: its values, its link, its clock, its sender."""

from __future__ import annotations

import json
import signal
import time

import numpy as np

from tests.faults.bench import Bench, Row, holes, now, refusal, whole

EIGHT = ("Fz", "Cz", "Pz", "Oz", "C3", "C4", "P3", "P4")


def values(bench: Bench) -> list[Row]:
    """One electrode after the other sends what is no measurement; the others measure on."""
    amp = bench.sender(*EIGHT)
    run = bench.record(amp)
    run.wait_for_readings()
    begun = now()
    kinds = ("nan", "inf", "1e9", "constant", "rail")
    for channel, kind in enumerate(kinds):
        amp.tell(do="spoil", channel=channel, **{"with": kind}, s=1.5)
        time.sleep(2.0)
    amp.tell(do="nan_stamp")
    time.sleep(4.0)
    run.finish()
    assert (run.code, run.summary["errors"]) == (0, [])
    quality = {row["label"]: row["missing"] for row in run.summary["eeg"]["channel_quality"]}
    counted = {label: {k: n for k, n in found.items() if n} for label, found in quality.items()}
    assert [set(counted[label]) for label in EIGHT[:5]] == [
        {"not_a_number"},
        {"not_a_number"},
        {"out_of_range"},
        {"constant"},
        {"constant", "railing"},
    ]
    assert all(not counted[label] for label in EIGHT[5:])
    (rows,) = run.rows(amp.name)
    kept = whole(rows[:, -1].astype(int))
    odd = [
        int(np.isnan(rows[:, 0]).sum()),
        int(np.isinf(rows[:, 1]).sum()),
        int((rows[:, 2] == 1e9).sum()),
        int((rows[:, 3] == 7.0).sum()),
        int((rows[:, 4] == 187_500.0).sum()),
    ]
    assert odd[0] == counted["Fz"]["not_a_number"]
    assert odd[2] == counted["Pz"]["out_of_range"]
    info = run.info()["eeg"][0]["channels"]
    assert [row["label"] for row in info if any(row["missing"].values())] == list(EIGHT[:5])
    silence = run.silence(begun)
    assert silence < 1.0, silence
    done = (
        "sends NaN",
        "sends Inf",
        "sends 1e9",
        "stands still at one value",
        "stands at the end of its range",
    )
    found = [
        Row(
            f"an electrode {words} for 1.5 s",
            f"“{run.said(f'{label}: ')}”",
            f"{kept}, {n} as they came",
            f"{silence:.1f}",
        )
        for words, label, n in zip(done, EIGHT, odd, strict=False)
    ]
    stamp = run.said("without a time stamp")
    return [*found, Row("one stamp is NaN", f"“{stamp}”", f"{kept}, NaN as it came", f"{silence:.1f}")]


def links(bench: Bench) -> list[Row]:
    """The radio stops and delivers later, or loses; sender and recorder are stopped."""
    amp = bench.sender()
    run = bench.record(amp)
    run.wait_for_readings()
    marks = [now()]
    amp.tell(do="pause", s=0.5)
    time.sleep(4.0)
    marks.append(now())
    amp.send(signal.SIGSTOP)
    time.sleep(3.0)
    amp.send(signal.SIGCONT)
    marks.append(now())
    time.sleep(4.0)
    run.process.send_signal(signal.SIGSTOP)
    time.sleep(3.0)
    run.process.send_signal(signal.SIGCONT)
    marks.append(now())
    time.sleep(4.0)
    run.finish()
    assert (run.code, run.summary["errors"]) == (0, [])
    kept = whole(run.numbers(amp.name))
    assert (run.summary["eeg"]["gaps"], run.summary["eeg"]["lost_samples"]) == (0, 0)
    emitted = run.emitted()
    after = [float(emitted[emitted > mark][0] - mark) for mark in marks]
    return [
        Row(
            "the radio pauses for 0.5 s and delivers its backlog",
            "nothing; 0 gaps, 0 lost",
            kept,
            f"{after[0]:.1f}",
        ),
        Row("the sender's program is stopped for 3 s", "STALLED, then LIVE; 0 lost", kept, f"{after[2]:.1f}"),
        Row("this program is stopped for 3 s", "nothing; 0 lost", kept, f"{after[3]:.1f}"),
    ]


def loss(bench: Bench) -> list[Row]:
    """The radio loses samples for good."""
    amp = bench.sender()
    run = bench.record(amp)
    run.wait_for_readings()
    time.sleep(2.0)
    amp.tell(do="skip", s=1.0)
    time.sleep(1.0)
    since = now()
    time.sleep(5.0)
    run.finish()
    assert run.code == 0
    numbers = run.numbers(amp.name)
    assert holes(numbers) == 250
    assert (run.summary["eeg"]["gaps"], run.summary["eeg"]["lost_samples"]) == (1, 250)
    return [
        Row(
            "the radio loses a second",
            f"“{run.said('250 samples lost')}”",
            f"{len(numbers)} samples, a hole of 250",
            f"{run.silence(since):.1f}",
        )
    ]


def clocks(bench: Bench) -> list[Row]:
    """The sender's clock is set while it runs."""
    amp = bench.sender()
    run = bench.record(amp)
    run.wait_for_readings()
    time.sleep(3.0)
    found, steps = [], (20.0, -12.0, 200_000.0)
    marks = []
    for step in steps:
        marks.append(now())
        amp.tell(do="jump", s=step)
        time.sleep(4.0)
    run.finish()
    assert (run.code, run.summary["errors"]) == (0, [])
    kept = whole(run.numbers(amp.name))
    assert run.summary["eeg"]["lost_samples"] == 0
    emitted = run.emitted()
    for step, mark in zip(steps, marks, strict=True):
        during = np.concatenate([[mark], emitted[(emitted > mark) & (emitted < mark + 4.0)]])
        words = f"“{run.said(f'was set by {step:+g} s')}”"
        found.append(
            Row(
                f"the sender's clock is set by {step:+g} s",
                words,
                kept,
                f"{np.diff(during).max() - 0.25:.1f}",
            )
        )
    return found


def restarts(bench: Bench) -> list[Row]:
    """The headset is started again: as it was, with other channels, as it was again."""
    first = bench.sender()
    run = bench.record(first)
    run.wait_for()
    first.kill()
    other = bench.sender("F7", "F8")
    time.sleep(14.0)
    other.kill()
    second = bench.sender()
    since = now()
    time.sleep(12.0)
    run.finish()
    assert run.summary["errors"] == []
    refused, again = run.said("it is not used"), run.said("connected again")
    (rows,) = run.rows(first.name)
    emitted = run.emitted()
    recovered = float(emitted[emitted > since][0] - since)
    kept = f"{len(rows)} samples of the first shape, with a gap"
    assert rows.shape[1] == 5
    assert second.name == first.name
    return [
        Row("the headset comes back with other channels", f"LOST; “{refused}”", kept),
        Row("it comes back as it was", f"LIVE; “{again}”", kept, f"{recovered:.1f}"),
    ]


def nameless(bench: Bench) -> list[Row]:
    """A headset without a source id is started again."""
    first = bench.sender(source_id="")
    run = bench.record(first)
    run.wait_for()
    first.kill()
    bench.sender(source_id="")
    since = now()
    time.sleep(9.0)
    run.finish()
    assert run.summary["errors"] == []
    words = run.said("connected again")
    emitted = run.emitted()
    recovered = float(emitted[emitted > since][0] - since)
    return [
        Row(
            "a headset without a source id is started again",
            f"LOST, LIVE; “{words}”",
            f"{sum(map(len, run.rows(first.name)))} samples, with a gap",
            f"{recovered:.1f}",
        )
    ]


def gone(bench: Bench) -> list[Row]:
    """The headset never comes back."""
    amp = bench.sender()
    run = bench.record_raw(f"name={amp.name}")
    run.wait_for(15_000)
    amp.kill()
    time.sleep(3.0)
    run.finish()
    assert (run.code, run.summary["errors"]) == (0, [])
    words = run.said("broke off").replace(bench.tag, "…")
    return [
        Row(
            "the headset is switched off for good", f"“{words}”", f"{whole(run.numbers(amp.name))} until then"
        )
    ]


def refused(bench: Bench) -> list[Row]:
    """Streams that serve no session, and what else is asked for in vain."""
    child = bench.start("tests.support.outlets.odd_outlets", bench.tag, "20")
    film, live = bench.film, ("live", "--headless", "--video", bench.film, "--eeg")
    slow = refusal(*live, f"source_id={bench.tag}-double")
    assert "too few for the band" in slow
    irregular = refusal(*live, f"source_id={bench.tag}-irregular")
    assert "no regular rate" in irregular
    cases = {
        "EEG of 20 samples a second": slow,
        "EEG without a regular rate": irregular,
        "a stream of texts taken for EEG": refusal(*live, f"source_id={bench.tag}-string"),
        "two streams fit": refusal(*live, f"name={bench.tag}-twin"),
        "no stream fits": refusal(*live, f"name=nobody-{bench.tag}"),
        "a montage of two names for three channels": refusal(
            *live, f"source_id={bench.tag}-double", "--montage", "Fz,Cz"
        ),
        "the film is not there": refusal(
            "live", "--headless", "--eeg", f"source_id={bench.tag}-double", "--video", film.parent / "no.mkv"
        ),
        "the folder cannot be made": refusal(
            "record", "/proc/nowhere", "--headless", "--stream", f"source_id={bench.tag}-double"
        ),
    }
    found = [Row(done, f"exit code 2: “{line}”", "no file") for done, line in cases.items()]
    raw = bench.record_raw(f"source_id={bench.tag}-irregular", f"source_id={bench.tag}-double")
    raw.wait_for(3000)
    time.sleep(3.0)
    raw.finish()
    assert (raw.code, raw.summary["errors"]) == (0, [])
    assert len(raw.summary["samples"]) == 2
    n = sum(raw.summary["samples"].values())
    assert child.process.poll() is None
    words = "`record --stream …` without --eeg records such streams as they are"
    return [*found, Row("both are recorded raw", words, f"{n} samples of two streams")]


def ended(bench: Bench) -> list[Row]:
    """The recorder is told to end: Ctrl-C, a terminated session, a closed terminal."""
    found = []
    for by, words in ((signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM, as at a shutdown")):
        amp = bench.sender(name=f"amp{int(by)}")
        run = bench.record_raw(f"name={amp.name}", out=bench.folder / f"out{int(by)}")
        run.wait_for(15_000)
        begun = time.monotonic()
        run.finish(by)
        took = time.monotonic() - begun
        assert (run.code, run.summary["errors"]) == (0, [])
        manifest = json.loads((run.folder / "manifest.json").read_text("utf-8"))
        assert manifest["complete"]
        found.append(
            Row(words, "the summary, exit code 0", f"{whole(run.numbers(amp.name))}, closed", f"{took:.1f}")
        )
    return found


SIGNALS = (values, links, loss, clocks, restarts, nameless, gone, refused, ended)
