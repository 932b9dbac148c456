"""Teachers' files by published models, through the command that writes them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
import transformers

import phosphene
from models.learning.embedding.sound import read_sound
from models.learning.embedding.subtitles import read_subtitles
from realtime.errors import SessionError
from tests.support.checkpoints import write_checkpoint
from tests.support.small_session import write_small
from tests.support.teachers.models import write_sound_model, write_text_model

SUBTITLES = """\ufeffWEBVTT

1
00:00:00,500 --> 00:00:01,000
<i>Hello</i> there

00:03.25 --> 00:04.000 line:90%
a face
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds from 100 s on, markers cat (101 s) and dog (102.5 s)."""
    return write_small(tmp_path_factory.mktemp("session") / "one")


def called(capsys: pytest.CaptureFixture[str], *words: Any) -> tuple[int, str, str]:
    """Exit code and both outputs of `phosphene WORDS`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["phosphene", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            phosphene.main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def embedded(capsys: pytest.CaptureFixture[str], session: Path, *words: Any) -> tuple[np.ndarray, np.ndarray]:
    code, out, err = called(capsys, "embed", session, *words, "--json")
    assert code == 0, err
    (told,) = json.loads(out)
    with np.load(told["path"]) as file:
        stamps, rows = file["stamps"], file["embeddings"]
    assert rows.shape == (told["n"], told["width"])
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    return stamps, rows


def test_markers_become_what_the_models_own_class_makes_of_them(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_text_model("clip", tmp_path / "clip")
    stamps, rows = embedded(capsys, session, "--text", "markers", "--model", model)
    np.testing.assert_allclose(stamps, [101.0, 102.5], atol=1e-3)
    network = transformers.CLIPTextModelWithProjection.from_pretrained(model)
    words = transformers.AutoTokenizer.from_pretrained(model)(["cat", "dog"], return_tensors="pt")
    with torch.inference_mode():
        expected = network(**words).text_embeds.numpy()
    np.testing.assert_allclose(rows, expected, atol=1e-5)
    assert (session / "teacher-text.npz").is_file()


def test_subtitles_are_counted_from_the_first_frame_and_a_padded_sentence_is_the_sentence(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (session / "film.vtt").write_text(SUBTITLES, encoding="utf-8")
    assert [tuple(line) for line in read_subtitles(session / "film.vtt")] == [
        (0.5, "Hello there"),
        (3.25, "a face"),
    ]
    model = write_text_model("bert", tmp_path / "bert")
    stamps, rows = embedded(capsys, session, "--text", "film.vtt", "--model", model, "--out", "said.npz")
    np.testing.assert_allclose(stamps, [100.5, 103.25], atol=1e-3)
    network = transformers.BertModel.from_pretrained(model)
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    with torch.inference_mode():
        for row, sentence in zip(rows, ("Hello there", "a face"), strict=True):
            alone = network(**tokenizer([sentence], return_tensors="pt")).last_hidden_state.mean(dim=1)
            np.testing.assert_allclose(row, alone[0].numpy(), atol=1e-4)


def test_sound_is_cut_at_its_own_times(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = write_sound(session / "film.wav", seconds=2.2)
    model = write_sound_model(tmp_path / "sound")
    stamps, rows = embedded(capsys, session, "--audio", "film.wav", "--model", model, "--every", "0.5")
    np.testing.assert_allclose(stamps, [100.0, 100.5, 101.0, 101.5], atol=1e-3)
    heard = read_sound(session / "film.wav", 16000)
    assert abs(len(heard) / 16000 - 2.2) < 0.01
    assert np.corrcoef(heard[2000:30000], sound[::3][2000:30000])[0, 1] > 0.99  # 48 kHz, down to 16
    assert np.abs(rows[0] - rows[2]).max() > 1e-3  # another tone in every second


def write_sound(path: Path, seconds: float, rate: int = 48000) -> np.ndarray:
    """A tone of 300 Hz, then 600 Hz from the first second on."""
    t = np.arange(round(seconds * rate)) / rate
    wave = (0.5 * np.sin(2 * np.pi * np.where(t < 1, 300, 600) * t)).astype(np.float32)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray((wave[None] * 32767).astype(np.int16), format="s16", layout="mono")
        frame.rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    return wave


@pytest.mark.parametrize(
    ("kind", "width", "first"), [("clip", 16, 100.0), ("dinov3", 32, 100.0), ("videomae", 32, 102.0)]
)
def test_pictures_are_embedded_by_image_models_and_by_video_transformers(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, width: int, first: float
) -> None:
    model = write_checkpoint(kind, tmp_path / kind)
    stamps, rows = embedded(capsys, session, "--video", "--model", model, "--every", "1")
    assert stamps[0] == pytest.approx(first, abs=0.05)
    assert np.diff(stamps) == pytest.approx(1.0, abs=0.05)
    assert rows.shape == (round(106 - first), width)
    assert np.abs(np.diff(rows, axis=0)).max() > 1e-4


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--video", "--text", "markers"), "name one of"),
        (("--text", "nothing.srt"), "nothing.srt: cannot be read as subtitles"),
        (("--audio", "session"), "has no sound"),
        (("--video",), "pictures are embedded by clip"),
    ],
)
def test_what_cannot_be_embedded_is_refused_in_a_line(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], reason: str
) -> None:
    model = (
        write_sound_model(tmp_path / "m") if "--audio" in words else write_text_model("bert", tmp_path / "m")
    )
    code, out, err = called(capsys, "embed", session, "--model", model, *words)
    assert (code, out) == (2, "")
    assert reason in err
    assert len(err.strip().splitlines()) == 1


def test_subtitles_without_times_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("hello")
    with pytest.raises(SessionError, match="no line with times"):
        read_subtitles(tmp_path / "a.srt")
