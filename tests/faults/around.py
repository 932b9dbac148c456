"""Faults of all that is beside the EEG: markers, accessories, cameras, files, the disk."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from recordings.session.session import Session
from recordings.video.files import VideoReader
from tests.faults.bench import Bench, Recording, Row, now, refusal, whole
from tests.support.pictures.http_camera import HttpCamera


def markers(bench: Bench) -> list[Row]:
    """Programs that send events come, send what they like, break off and come back."""
    amp, name = bench.sender(), f"marks-{bench.tag}"
    first = bench.start("tests.faults.marks", name, 1)
    second = bench.start("tests.faults.marks", f"more-{bench.tag}", 1)
    run = bench.record_raw(f"name={amp.name}", "type=Markers")
    run.wait_for()
    long_text = "x" * 100_000
    first.tell(do="send", text="one")
    second.tell(do="send", text="beside")
    first.tell(do="bytes", hex="636166e9")
    first.tell(do="send", text="")
    first.tell(do="send", text=long_text)
    first.tell(do="nan", text="when?")
    time.sleep(1.5)
    first.kill()
    time.sleep(1.5)
    again = bench.start("tests.faults.marks", name, 2)
    time.sleep(3.0)
    again.tell(do="send", text="two")
    late = bench.start("tests.faults.marks", f"late-{bench.tag}", 1)
    time.sleep(3.0)
    late.tell(do="send", text="late")
    time.sleep(1.5)
    run.finish()
    assert (run.code, run.summary["errors"]) == (0, [])
    one, two = run.texts(name)
    assert one == [["one"], ["café"], [""], [long_text], ["when?"]]
    assert two == [["two", ""]]
    assert run.texts(f"more-{bench.tag}") == [[["beside"]]]
    assert run.texts(f"late-{bench.tag}") == [[["late"]]]
    raw = (run.folder / "session.xdf").read_bytes()
    assert b"caf\xe9" in raw
    kept, pause = whole(run.numbers(amp.name)), f"{run.pause(amp.name):.1f}"
    broke, joined = run.said(f"{name} ").split(" (")[0] + " … broke off", run.said("joined while")
    run.said("broke off")
    return [
        Row("two programs send markers, one is asked for by its type", "nothing", "both streams", pause),
        Row("a marker in Latin-1", "nothing", "its bytes; read as “café”", pause),
        Row("an empty marker", "nothing", "an empty text", pause),
        Row("a marker of 100 000 letters", "nothing", "all of it", pause),
        Row("a marker whose stamp is NaN", "nothing", "its text, NaN as it came", pause),
        Row("the marker program ends", f"“{broke}”", f"its 5 texts; of the EEG {kept}", pause),
        Row(
            "it comes back with two columns",
            f"“{joined.split(' (')[0]} … joined while it was recorded”",
            "a stream of its own",
            pause,
        ),
        Row("a marker program starts late", "“… joined while it was recorded”", "all its texts", pause),
    ]


def accessories(bench: Bench) -> list[Row]:
    """An accelerometer joins, is stopped, ends, and comes back otherwise."""
    amp, name = bench.sender(), f"acc-{bench.tag}"
    run = bench.record_raw(f"name={amp.name}", "type=ACC")
    acc = bench.start("tests.faults.marks", name, 3, "ACC")
    run.wait_for()
    time.sleep(3.0)
    acc.send(signal.SIGSTOP)
    time.sleep(2.0)
    acc.send(signal.SIGCONT)
    time.sleep(2.0)
    acc.kill()
    time.sleep(1.5)
    back = bench.start("tests.faults.marks", name, 4, "ACC")
    time.sleep(4.0)
    assert back.process.poll() is None
    run.finish()
    assert (run.code, run.summary["errors"]) == (0, [])
    before, after = run.rows(name)
    assert (before.shape[1], after.shape[1]) == (3, 4)
    kept, pause = whole(run.numbers(amp.name)), f"{run.pause(amp.name):.1f}"
    steps = np.diff(before[:, 0])
    assert (steps == 1).all()
    return [
        Row(
            "an accessory is stopped for 2 s",
            "nothing",
            f"{len(before)} of its samples without a hole; {kept}",
            pause,
        ),
        Row("an accessory ends", "“… broke off”", f"its samples until then; {kept}", pause),
        Row(
            "it comes back with four channels",
            "“… joined while it was recorded”",
            "a stream of its own",
            pause,
        ),
    ]


def cameras(bench: Bench) -> list[Row]:
    """A network camera hangs, breaks off, and ends."""
    amp = bench.sender()
    with HttpCamera(15.0) as camera:
        run = bench.record(amp, video=camera.url)
        run.wait_for_readings()
        begun = now()
        time.sleep(2.0)
        camera.hang_up()
        time.sleep(4.0)
        camera.silent.set()
        time.sleep(3.0)
        camera.silent.clear()
        since = now()
        time.sleep(5.0)
    ended = now()
    time.sleep(3.0)
    run.finish()
    assert run.summary["eeg"]["lost_samples"] == 0
    kept = whole(run.numbers(amp.name))
    emitted = run.emitted()
    recovered = float(emitted[emitted > since][0] - since)
    assert (emitted > since).sum() > 4
    assert run.summary["video"]["state"] in ("STALLED", "LOST")
    frames = run.summary["video"]["frames"]
    first = np.concatenate([[begun], emitted[(emitted > begun) & (emitted < begun + 6)]])
    assert ended > since
    return [
        Row(
            "a network camera hangs up",
            "STALLED, LIVE",
            f"{kept} and {frames} frames",
            f"{np.diff(first).max() - 0.25:.1f}",
        ),
        Row("a network camera sends nothing for 3 s", "STALLED, LIVE", kept, f"{recovered:.1f}"),
        Row("a network camera is switched off", run.summary["video"]["state"], kept),
    ]


def _file_fault(bench: Bench, act: Callable[[Recording], object], seconds: float = 2.5) -> Recording:
    amp = bench.sender()
    run = bench.record_raw(f"name={amp.name}")
    run.wait_for(15_000)
    act(run)
    time.sleep(seconds)
    return run.finish()


def xdf_deleted(bench: Bench) -> list[Row]:
    """The XDF is deleted while it is written."""
    run = _file_fault(bench, lambda r: (r.folder / "session.xdf").unlink())
    assert (run.code, run.summary["errors"]) == (0, [])
    manifest = json.loads((run.folder / "manifest.json").read_text("utf-8"))
    assert manifest["complete"]
    name = f"amp-{bench.tag}"
    return [
        Row(
            "session.xdf is deleted",
            f"“… {run.said('was deleted')[-50:]}”",
            whole(run.numbers(name)),
            "0.0",
        )
    ]


def folder_deleted(bench: Bench) -> list[Row]:
    """The whole folder is deleted."""
    run = _file_fault(bench, lambda r: shutil.rmtree(r.folder))
    assert (run.code, run.summary["errors"]) == (0, [])
    words = f"“… {run.said('session.xdf was deleted')[-50:]}”"
    return [Row("the session's folder is deleted", words, whole(run.numbers(f"amp-{bench.tag}")), "0.0")]


def folder_moved(bench: Bench) -> list[Row]:
    """The whole folder is moved."""
    run = _file_fault(bench, lambda r: os.rename(r.folder, bench.folder / "elsewhere"))
    assert (run.code, run.summary["errors"]) == (0, [])
    words = f"“… {run.said('was moved')[: -len(str(bench.folder / 'elsewhere'))][-52:]}”"
    moved = Recording(run.process, bench.folder)
    moved.root = bench.folder
    with Session(bench.folder / "elsewhere" / "session.xdf") as session:
        (stream,) = (s for s in session.reader.streams.values() if s.info.name == f"amp-{bench.tag}")
        numbers = np.asarray(session.reader.read(stream.info.stream_id)[1])[:, -1].astype(int)
    return [Row("the session's folder is moved", words, f"{whole(numbers)}, where it is now", "0.0")]


def video_deleted(bench: Bench) -> list[Row]:
    """The video is deleted while it is written, put back, and moved away."""
    amp = bench.sender()
    run = bench.record(amp)
    run.wait_for()
    film = next(run.folder.glob("*.mkv"))
    film.unlink()
    time.sleep(2.5)
    film.rename(bench.folder / "away.mkv")
    time.sleep(2.5)
    run.finish()
    assert (run.code, run.summary["errors"]) == (0, [])
    kept = whole(run.numbers(amp.name))
    with Session(run.folder) as session, VideoReader(film) as reader:
        shown = session.video().frame_index
        assert shown.tolist() == list(range(reader.n_frames))
        assert all(reader.frame(int(n)) is not None for n in (shown[0], shown[-1]))
    found = [("the video file is deleted", "was deleted"), ("the video file is moved away", "was moved")]
    return [
        Row(
            done,
            f"“… {run.said(f'{film.name} {word}')[-49:]}”",
            f"{kept} and all {len(shown)} frames",
            "0.0",
        )
        for done, word in found
    ]


def manifest_deleted(bench: Bench) -> list[Row]:
    """The manifest is deleted."""
    run = _file_fault(bench, lambda r: (r.folder / "manifest.json").unlink())
    assert (run.code, run.summary["errors"]) == (0, [])
    manifest = json.loads((run.folder / "manifest.json").read_text("utf-8"))
    assert manifest["complete"]
    return [
        Row(
            "manifest.json is deleted",
            "nothing",
            f"{whole(run.numbers(f'amp-{bench.tag}'))}; written again at the end",
            "0.0",
        )
    ]


@contextmanager
def _disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def disk_full(bench: Bench) -> list[Row]:
    """The disk is full: from the start, and when something else fills it."""
    amp = bench.sender()
    with _disk(bench.folder / "full", 3) as full:
        line = refusal("record", full, "--headless", "--stream", f"name={amp.name}")
        assert not any(full.glob("*/session.xdf"))
    with _disk(bench.folder / "filling", 400) as filling:
        run = bench.record_raw(f"name={amp.name}", out=filling)
        run.wait_for(15_000)
        with (filling / "other").open("wb") as other:
            os.posix_fallocate(other.fileno(), 0, 300_000_000)
        run.finish(None)
        assert run.code == 1
        kept = f"{whole(run.numbers(amp.name))} before it, closed"
        words = re.sub(r" on the disk of .*:", " …:", run.said("are free on the disk"))
        assert json.loads((run.folder / "manifest.json").read_text("utf-8"))["recording"]["failure"]
    return [
        Row("the disk is full", f"exit code 2: “{re.sub(r' on the disk of .*:', ' …:', line)}”", "no file"),
        Row("the disk becomes full", f"exit code 1: “{words}”", kept),
    ]


AROUND = (
    markers,
    accessories,
    cameras,
    xdf_deleted,
    folder_deleted,
    folder_moved,
    video_deleted,
    manifest_deleted,
    disk_full,
)
