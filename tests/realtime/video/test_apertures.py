"""The edges that a film's file says are not to be seen, and animated WebP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.errors import VideoError
from realtime.time.clock import ManualClock
from realtime.video.camera import open_video
from realtime.video.containers.aperture import WHOLE, stated_aperture
from recordings.video.files import VideoReader
from tests.realtime.video.test_odd_films import write_film
from tests.support.files.mp4_bytes import remuxed, with_clean_aperture
from tests.support.pictures.numbered import numbered_frame

SIDES = (32, 96), (8, 88)  # first and last column and row that are shown, of 160 × 120


def framed(number: int) -> np.ndarray:
    """A numbered picture with a black frame around it, which is not to be seen."""
    image = np.zeros((120, 160, 3), np.uint8)
    (left, right), (top, bottom) = SIDES
    image[top:bottom, left:right] = numbered_frame(number, right - left, bottom - top)
    return image


def clean_aperture() -> tuple[int, ...]:
    (left, right), (top, bottom) = SIDES
    width, height = right - left, bottom - top
    return width, 1, height, 1, left + right - 160, 2, top + bottom - 120, 2


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    plain = write_film(folder / "plain.mp4", framed)
    mp4 = with_clean_aperture(plain, folder / "clean.mp4", *clean_aperture())
    return {"plain": plain, "mp4": mp4, "matroska": remuxed(mp4, folder / "clean.mkv")}


@pytest.mark.parametrize("kind", ["mp4", "matroska"])
def test_only_the_clean_aperture_is_shown(films, kind):
    with VideoReader(films[kind]) as reader:
        assert (reader.width, reader.height) == (64, 80)
        shown = reader.frame(7)
    np.testing.assert_allclose(shown.astype(int), numbered_frame(7, 64, 80), atol=60)
    assert abs(shown.astype(int) - numbered_frame(7, 64, 80)).mean() < 8
    source = open_video(str(films[kind]), ManualClock(100.0), loop=False)
    info = source.open()
    assert (info.width, info.height) == (64, 80)
    assert source.read().image.shape == (80, 64, 3)
    source.close()
    with VideoReader(films["plain"]) as reader:
        assert (reader.width, reader.height) == (160, 120)


IMPOSSIBLE = {
    "larger than the picture": (400, 1, 120, 1, 0, 1, 0, 1),
    "no denominator": (64, 0, 80, 1, 0, 1, 0, 1),
    "nothing at all": (0, 1, 0, 1, 0, 1, 0, 1),
    "beside the picture": (64, 1, 80, 1, 900, 1, 0, 1),
}


@pytest.mark.parametrize("odd", IMPOSSIBLE)
def test_an_aperture_that_cannot_be_is_not_obeyed(films, tmp_path, odd):
    film = with_clean_aperture(films["plain"], tmp_path / "odd.mp4", *IMPOSSIBLE[odd])
    with VideoReader(film) as reader:
        assert (reader.width, reader.height) == (160, 120)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_damaged_container_states_some_aperture_or_none(films, tmp_path_factory, data):
    whole = films[data.draw(st.sampled_from(["mp4", "matroska"]))].read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    path = tmp_path_factory.mktemp("odd") / "film"
    path.write_bytes(
        whole[:at] + data.draw(st.binary(max_size=12)) + whole[at + data.draw(st.integers(0, 9)) :]
    )
    found = stated_aperture(path, 0, 160, 120)
    assert found == WHOLE or (
        found.left + found.right < 1 and found.top + found.bottom < 1 and min(found) >= 0
    )


def test_an_animated_webp_is_refused_with_what_to_do_and_its_gif_is_shown(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    pictures = [pillow.fromarray(np.full((48, 64, 3), 20 * n, np.uint8)) for n in range(5)]
    for ending in ("webp", "gif"):
        pictures[0].save(tmp_path / f"a.{ending}", save_all=True, append_images=pictures[1:], duration=100)
    with pytest.raises(VideoError, match=r"animated WebP.*magick a.webp a.gif"):
        VideoReader(tmp_path / "a.webp")
    with VideoReader(tmp_path / "a.gif") as reader:
        np.testing.assert_allclose(reader.pts, [0, 0.1, 0.2, 0.3, 0.4])
    pictures[0].save(tmp_path / "one.webp")
    with VideoReader(tmp_path / "one.webp") as reader:
        assert len(reader) == 1
