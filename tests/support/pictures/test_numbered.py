"""Frames carry their number through compression, scaling and changes of light."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.video.frames import shrink
from tests.support.pictures.numbered import N_NUMBERS, draw_number, numbered_frame, read_number


@given(
    number=st.integers(0, N_NUMBERS - 1),
    width=st.integers(32, 400),
    height=st.integers(32, 400),
    gain=st.floats(0.3, 1.0),
    lift=st.floats(0.0, 60.0),
)
def test_any_number_is_read_back_from_any_size_and_light(number, width, height, gain, lift):
    image = numbered_frame(number, width, height)
    relit = np.clip(image * gain + lift, 0, 255).astype(np.uint8)
    assert read_number(relit) == number


def test_numbers_survive_h264():
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, N_NUMBERS, 60).tolist()
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as out:
        stream = out.add_stream("libx264", rate=30, options={"crf": "30", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in numbers:
            noise = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(draw_number(noise, number), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer) as back:
        assert [read_number(f.to_ndarray(format="rgb24")) for f in back.decode(video=0)] == numbers


@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (113, 200)])
def test_numbers_survive_the_reduction_every_frame_goes_through(size):
    for number in (0, 1, 12_345, N_NUMBERS - 1):
        assert read_number(shrink(numbered_frame(number, *size), 64)) == number


def test_a_picture_without_a_number_gives_none():
    rng = np.random.default_rng(1)
    assert read_number(np.full((120, 160, 3), 128, np.uint8)) is None
    assert read_number(np.zeros((4, 4, 3), np.uint8)) is None
    read = [read_number(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)) for _ in range(20)]
    assert sum(number is not None for number in read) <= 2


def test_one_wrong_cell_is_noticed():
    image = numbered_frame(4_711, 160, 120)
    for row in range(4):
        for column in range(8):
            damaged = image.copy()
            cell = damaged[row * 7 + row // 2 : row * 7 + 7, column * 20 : column * 20 + 20]
            cell[:] = 255 - cell
            assert read_number(damaged) != 4_711


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="24 bits"):
        numbered_frame(N_NUMBERS)
    with pytest.raises(ValueError, match="32 × 32"):
        draw_number(np.zeros((16, 64, 3), np.uint8), 1)


def test_shrinking_keeps_the_shape_and_the_mean_and_leaves_small_pictures_alone():
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    small = shrink(stripes, 112)
    assert small.shape == (112, 149, 3)
    assert abs(float(small.mean()) - 127.5) < 1.5
    assert small.std() < 40  # stripes fade, they do not turn into coarser ones
    assert shrink(small, 112) is small
