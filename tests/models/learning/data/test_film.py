"""A session's film is read once for all that is kept of it, and what stays on show is computed once."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch

from models.config import preset
from models.film_features import SHORT_SIDE, frame_features
from models.learning.baselines import LinearModels
from models.learning.data import features, film
from models.learning.data.dataset import Recordings, Windows
from models.learning.data.frames import FrameTable, encoder_key
from models.light_features import moments
from models.network.network import Network
from realtime.config import ConditioningConfig, GridConfig
from realtime.video.frames import shrink
from recordings.session.session import Session
from recordings.video.files import VideoReader
from tests.support.flashes import write_flashes


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return write_flashes(tmp_path_factory.mktemp("film") / "one", 12.0, 0)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Network(preset("demo"), ("O1", "O2", "Fp1")).eval()


def test_one_reading_serves_the_network_and_the_linear_models(session, network, tmp_path, monkeypatch):
    opened = []
    real = film.ReplayVideo
    monkeypatch.setattr(film, "ReplayVideo", lambda *given: opened.append(1) or real(*given))
    recordings = Recordings([session], GridConfig(), ConditioningConfig(), cache=tmp_path)
    recordings.embed(network)
    models = LinearModels(recordings)
    assert models.features(windows(recordings)).shape[1:] == (80, 5)
    assert models.light.whole(windows(recordings)).shape[1:] == (80, 4)
    recordings.embed(network)
    assert len(opened) == 1


def test_rows_are_those_of_every_picture_by_itself_though_most_stay_on_show(session, network, tmp_path):
    encoder = network.frame_encoders["fast"]
    with Session(session) as read, VideoReader(read.video().path) as reader:
        frames = FrameTable.of(read, encoder, encoder_key(encoder, {}), encoder.image_px, tmp_path)
        film.make_missing(read, [frames])
        pictures = [reader.frame(number) for number in range(60)]
        seen = features.session_features(read, tmp_path)
        light = features.session_light(read, tmp_path)
    rows = frames.load().read(np.arange(60))
    small = [shrink(picture, SHORT_SIDE) for picture in pictures]
    assert sum(np.array_equal(*pair) for pair in zip(small[1:], small[:-1], strict=True)) > 30
    with torch.inference_mode():
        for k in range(0, 60, 7):
            image = torch.from_numpy(shrink(pictures[k], encoder.image_px))
            alone = encoder(encoder.preprocess([image]))[0].numpy()
            assert np.allclose(rows[k], alone, atol=4e-3)
    for k in range(1, 60):
        assert np.allclose(seen[k], frame_features(small[k], small[k - 1]))
        assert np.array_equal(light[k], moments(small[k]))


def windows(recordings):
    return Windows(np.array([0]), np.array([recordings.spans()[0].stop - 1]))


# ---------------------------------------------------------------- errors and Ctrl-C
class Endless:
    """A table that takes its time over every lot of frames and never comes to be written."""

    def __init__(self, path: Path, stop: Event, short_side: int = 8):
        self.path, self.short_side, self.stop = path, short_side, stop
        self.written = False

    @contextmanager
    def making(self, n_frames):
        yield lambda numbers, pictures: self.stop.wait(5.0)
        self.written = True


def test_what_is_stopped_midway_is_not_written(session, tmp_path):
    stop = Event()
    table = Endless(tmp_path / "never.npy", stop)
    stop.set()
    with Session(session) as read, pytest.raises(CancelledError):
        film.make_missing(read, [table], stop=stop)
    assert not table.written


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_error_in_one_recording_ends_the_work_on_all(session, tmp_path, error, monkeypatch):
    monkeypatch.setattr(film, "n_cores", lambda: 2)
    tables = []

    def make(source, stop, tell):
        if source.name == "bad":
            raise error("no")
        tables.append(Endless(tmp_path / f"{source.name}.npy", stop))
        with Session(session) as read:
            film.make_missing(read, tables[-1:], stop=stop)

    begin = time.monotonic()
    with pytest.raises(error):
        film.of_each([Path("bad"), Path("good"), Path("late"), Path("later")], make)
    assert time.monotonic() - begin < 4.0
    assert not any(table.written for table in tables)


# ---------------------------------------------------------------- how far it is
def test_what_is_read_is_told_as_it_goes_and_not_where_it_was_read_before(session, network, tmp_path):
    told = []
    for _ in range(2):
        recordings = Recordings(
            [session],
            GridConfig(),
            ConditioningConfig(),
            cache=tmp_path,
            tell=lambda *said: told.append(said),
        )
        recordings.embed(network)
    assert told[0] == ("EEG", 0.0)
    films = [share for what, share in told if what == "films"]
    assert len(films) > 2
    assert films == sorted(set(films))
    assert films[-1] == 1.0
    assert len(told) == 1 + len(films)
