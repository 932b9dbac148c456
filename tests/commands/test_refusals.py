"""What cannot be served ends with exit code 2 and one line that says what to do, in every verb."""

from __future__ import annotations

import subprocess
import sys
import uuid

import pytest
import torch

from tests.support.small_session import write_small

REFUSED = [
    # words of the command line, what the line says
    ("lve", "Did you mean 'live'?"),
    ("live --bakend auto", "No such option: --bakend"),
    ("replay {session} --backend fast", "'fast' is not one of 'eager', 'inductor'"),
    ("replay {session} --preset huge", "'huge' is not one of 'demo', 'laptop', 'lab'"),
    ("replay {session} --reference linked", "'linked' is not one of 'as recorded', 'average'"),
    ("live --eeg x --video 0 --clock mine", "'mine' is not one of 'check', 'arrival'"),
    ("record {out} --eeg x --video 0 --codec gif", "'gif' is not one of 'libx264'"),
    ("live --eeg x --video 0 --feedback-style blink", "'blink' is not one of 'bar', 'ring'"),
    ("replay {session} --seconds 0", "greater than or equal to 0.1"),
    ("replay {session} --notch -1", "greater than or equal to 0"),
    ("replay {session} --notch nan", "--notch"),
    ("replay {session} --notch 120", "a notch at 120 Hz cannot be made of 250 samples a second"),
    ("replay {session} --speed 0", "give a number above 0, or max"),
    ("replay {session} --speed=-1", "give a number above 0, or max"),
    ("replay {session} --speed fast", "give a number above 0, or max"),
    ("replay {session} --start 100", "--start 100 is past the end of small, which is 8.0 s long"),
    ("replay {session} --unit parsec", "'parsec' is not known"),
    ("replay {session} --eeg nothing", "no EEG stream that fits 'nothing'"),
    ("replay {session} --channels C3,Oz", "no channel Oz; it has C3, C4, Cz"),
    ("replay {session} --channels C3,C3", "named more than once"),
    ("replay {session} --weights {out}", "`phosphene train`"),
    ("replay {out}/nothing", "is not here"),
    ("replay {silent}", "no video"),
    ("replay {out}/nothing --lsl", "is not here"),
    ("live", "give --eeg and --video;"),
    ("live --eeg type=EEG", "give --video;"),
    ("live --video 0", "give --eeg;"),
    ("live --stimulus film.mkv", "give --eeg;"),
    ("live --eeg name=nobody --video {film}", "no LSL stream fits 'name=nobody'"),
    ("live --eeg colour=red --video {film}", "does not say which stream"),
    ("live --eeg {irregular} --video {film}", "states no regular rate"),
    ("live --eeg {unix} --video {film}", "its sender keeps another time"),
    ("live --eeg {slow} --video {film}", "1 samples a second are too few"),
    ("record {out} --eeg {unix} --video {film}", "its sender keeps another time"),
    ("live --eeg {double} --video {film}.mp4", "there is no video file"),
    ("live --eeg {double} --video 97", "camera 97"),
    ("live --eeg {double} --stimulus {film}", "needs a screen (--headless)"),
    ("live --eeg {double} --video {film} --screen 2", "give it with --stimulus FILE"),
    ("live --eeg x --video 0 --sham nowhere", "neither “random” nor the folder"),
    ("live --eeg x --video 0 --osc here", "write HOST:PORT"),
    ("live --eeg x --video 0 --feedback-set wobble=1", "is no setting"),
    ("live --eeg {double} --video 0 --feedback --feedback-style speed --video {film}", "camera 0"),
    ("record {out} --eeg {double}", "give --video, or --stimulus FILE"),
    ("record {out} --eeg {double} --video {film} --codec-option crf", "write NAME=VALUE"),
    ("record {out} --eeg {double} --video {film} --codec-option crf=dark", "libx264"),
    ("record {out} --eeg {double} --video {film} --stream name=nobody", "name=nobody"),
    ("record {out} --eeg {double} --video {film} --sub a/b", "a/b"),
    ("demo --weights {out}", "`phosphene train`"),
    ("train {session}", "Missing option '--out'"),
    ("train {out}/nothing --out {out}/w", "is not here"),
    ("train {session} --out {out}/w --set mixer", "write NAME=VALUE"),
    ("train {session} --out {out}/w --set mixer=blender", "blender"),
    ("train {session} --out {out}/w --set recipe.steps=many", "it should be a valid integer"),
    ("calibrate --eeg type=EEG --out {out}/w", "give one of --film, --playlist and --video"),
    ("calibrate --eeg type=EEG --out {out}/w --film a.mkv --video 0", "give one of --film, --playlist"),
    ("train {session} --out {out}/w --from {out}/nowhere", "name a folder that `phosphene train` wrote"),
    ("evaluate {out} {session}", "`phosphene train`"),
    ("crossval {session} --folds sideways", "sideways"),
    ("crossval {session} --minutes 2,few", "write them with commas between"),
    ("baseline {out}/nothing", "is not here"),
    ("info {out}/nothing", "is not here"),
    ("report {out}/nothing", "is not here"),
    ("repair {out}/nothing", "nothing"),
    ("export {session} {out}/session.doc", "session.doc"),
    ("import {film} {film} {out}/s", "stimulus.mkv"),
    ("anonymize {session} {session}", "small"),
    ("headset --rate 1", "--rate 1.0: it should be greater than or equal to 50"),
    ("headset --dropouts often", "neither a chance (0.1) nor losses"),
    ("headset --serial-port COM3", "name it with --board"),
    ("headset --board cyton --noise-uv 3", "leave it out"),
    ("subject --objects 4", "without --attend"),
    ("subject --snr=-1", "--snr"),
    ("calibrate-camera {film}", "is no camera"),
    ("bench tractor", "tractor"),
    ("streams --wait 0", "greater than or equal to 0.1"),
]  # fmt: skip
PROGRESS = "reading sessions"  # what learning says while it works
HEADLESS = {"live", "record", "replay", "demo"}


@pytest.fixture(scope="module")
def places(session, tmp_path_factory):
    """What the words in braces stand for; with senders of unusual streams in other processes."""
    out = tmp_path_factory.mktemp("out")
    odd, slow = (f"phosphene-test-{uuid.uuid4().hex[:8]}" for _ in range(2))
    senders = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.outlets.odd_outlets", prefix, rate],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for prefix, rate in ((odd, "250"), (slow, "1"))
    ]
    for sender in senders:
        assert sender.stdout.readline().strip() == b"ready"
    kinds = {kind: f"source_id={odd}-{kind}" for kind in ("unix", "double", "irregular")}
    silent = write_small(out / "silent", frames=False)
    film = session / "stimulus.mkv"
    folders = {"session": session, "out": out, "silent": silent, "film": film}
    yield {**folders, **kinds, "slow": f"source_id={slow}-count"}
    for sender in senders:
        sender.communicate()


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=[words for words, _ in REFUSED])
def test_wrong_input_is_one_line_and_exit_code_2(run, places, words, told):
    verb, *rest = words.split()
    headless = ["--headless"] if verb in HEADLESS else []
    code, out, err = run(verb, *(word.format(**places) for word in rest), *headless)
    lines = [line for line in err.splitlines() if line.strip() and not line.startswith(PROGRESS)]
    assert (code, out) == (2, ""), err
    assert len(lines) == 1, err
    assert lines[0].startswith("phosphene: ")
    assert told in lines[0]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has what the backend needs")
def test_a_backend_without_its_gpu_is_refused(run, session):
    code, _, err = run("replay", session, "--backend", "tensorrt", "--headless")
    assert code == 2
    assert err.startswith("phosphene: backend 'tensorrt' cannot be used here")
    assert len(err.splitlines()) == 1
