"""Video files are written and read frame by frame: every frame proves its place by its number."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.errors import ConfigError, SessionError, VideoError
from recordings.video.files import VideoReader, VideoWriter
from tests.support.pictures.numbered import numbered_frame, read_number

UNEVEN_S = np.cumsum(np.random.default_rng(0).choice([0.008, 0.017, 0.033, 0.034, 0.25, 0.6], 200))


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """200 numbered frames at uneven times."""
    return written(tmp_path_factory.mktemp("film") / "uneven.mkv", UNEVEN_S)


def written(path, stamps, **options):
    with VideoWriter(path, (160, 120), **options) as writer:
        for number, stamp in enumerate(stamps):
            assert writer.write(numbered_frame(number), stamp) == number
    return path


def numbers(reader):
    return [read_number(image) for _, _, image in reader]


def test_frames_come_back_with_their_number_and_time(film):
    with VideoReader(film) as reader:
        assert (reader.n_frames, reader.width, reader.height, reader.codec) == (200, 160, 120, "h264")
        np.testing.assert_allclose(reader.pts, UNEVEN_S, atol=0.0005 + 1e-9)
        for index, time, image in reader:
            assert read_number(image) == index
            assert time == reader.pts[index]
        assert index == 199


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 199), min_size=1, max_size=15))
def test_frames_are_found_in_any_order(film, wanted):
    with VideoReader(film) as reader:
        assert [read_number(reader.frame(k)) for k in wanted] == wanted


def test_the_frame_on_show_is_the_last_one_that_began(film):
    with VideoReader(film) as reader:
        times = np.random.default_rng(0).uniform(-1, UNEVEN_S[-1] + 5, 300)
        for time in [*times, *reader.pts]:
            assert reader.index_at(time) == int(np.sum(reader.pts <= time)) - 1


def test_what_the_file_does_not_hold_is_none(film):
    with VideoReader(film) as reader:
        assert reader.frame(200) is None
        assert reader.frame(-1) is None
        assert read_number(reader.frame(0)) == 0


@pytest.mark.parametrize("codec", ["libx264", "libx265", "ffv1", "mjpeg", "libvpx-vp9"])
def test_every_codec_keeps_numbers_and_times(tmp_path, codec):
    stamps = UNEVEN_S[:40]
    with VideoReader(written(tmp_path / "film.mkv", stamps, codec=codec)) as reader:
        assert numbers(reader) == list(range(40))
        np.testing.assert_allclose(reader.pts, stamps, atol=0.0005 + 1e-9)
        assert read_number(reader.frame(7)) == 7


def test_a_lossless_codec_gives_the_picture_back_unchanged(tmp_path):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (5, 90, 121, 3), dtype=np.uint8)
    with VideoWriter(tmp_path / "film.mkv", (121, 90), codec="ffv1") as writer:
        for k, picture in enumerate(pictures):
            writer.write(picture, k / 30)
    with VideoReader(tmp_path / "film.mkv") as reader:
        np.testing.assert_array_equal([image for _, _, image in reader], pictures)


def test_odd_sizes_and_pictures_of_another_size_are_written(tmp_path):
    with VideoWriter(tmp_path / "film.mkv", (161, 121)) as writer:
        writer.write(numbered_frame(0, 161, 121), 0)
        writer.write(numbered_frame(1, 640, 480), 0.03)
    with VideoReader(tmp_path / "film.mkv") as reader:
        assert (reader.width, reader.height) == (161, 121)
        assert numbers(reader) == [0, 1]


def test_two_frames_in_one_millisecond_are_put_apart_and_time_never_runs_back(tmp_path):
    with VideoWriter(tmp_path / "film.mkv", (160, 120)) as writer:
        for number, stamp in enumerate([0.0, 0.0101, 0.0102, 0.0103]):
            writer.write(numbered_frame(number), stamp)
        with pytest.raises(ValueError, match="cannot follow"):
            writer.write(numbered_frame(4), 0.005)
    with VideoReader(tmp_path / "film.mkv") as reader:
        np.testing.assert_allclose(reader.pts, [0, 0.010, 0.011, 0.012])


def test_an_existing_file_is_never_touched(tmp_path):
    path = tmp_path / "film.mkv"
    path.write_bytes(b"irreplaceable")
    with pytest.raises(SessionError, match="exists and is not written over"):
        VideoWriter(path, (160, 120))
    assert path.read_bytes() == b"irreplaceable"


def test_what_cannot_be_written_is_told_and_leaves_no_file(tmp_path):
    path = tmp_path / "film.mkv"
    for options, message in [
        ({"codec": "libx999"}, "no video encoder 'libx999'"),
        ({"codec": "aac"}, "no video encoder 'aac'"),
        ({"options": {"preset": "tomorrow"}}, "does not start.*tomorrow"),
    ]:
        with pytest.raises(ConfigError, match=message):
            VideoWriter(path, (160, 120), **options)
        assert not path.exists()
    with pytest.raises(SessionError, match="check its folder"):
        VideoWriter(tmp_path / "nowhere" / "film.mkv", (160, 120))


def test_a_full_disk_is_an_error_and_what_was_written_still_plays(tmp_path):
    code = """
        import resource, sys
        import numpy as np
        from realtime.errors import RunError
        from tests.support.pictures.numbered import draw_number
        from recordings.video.files import VideoWriter
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        rng = np.random.default_rng(0)
        writer = VideoWriter(sys.argv[1], (160, 120))
        try:
            for k in range(1000):
                writer.write(draw_number(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8), k), k / 30)
        except RunError as error:
            print(error)
        try:
            writer.close()
        except RunError:
            print("closed")
        """
    path = tmp_path / "film.mkv"
    run = python(code, path)
    assert "cannot be written any more" in run.stdout, run.stderr
    with VideoReader(path) as reader:
        read = numbers(reader)
    assert len(read) >= 5
    assert read == list(range(len(read)))


def test_a_killed_writer_leaves_all_but_the_last_half_second(tmp_path):
    code = """
        import os, signal, sys
        from tests.support.pictures.numbered import numbered_frame
        from recordings.video.files import VideoWriter
        writer = VideoWriter(sys.argv[1], (160, 120))
        for k in range(int(sys.argv[2])):
            writer.write(numbered_frame(k), k / 30)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    for n_frames in (31, 110):
        path = tmp_path / f"killed{n_frames}.mkv"
        assert python(code, path, n_frames).returncode == -signal.SIGKILL
        with VideoReader(path) as reader:
            read = numbers(reader)
        assert read == list(range(len(read)))
        assert n_frames - len(read) <= 16


def python(code, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))


def test_a_torn_file_gives_every_whole_frame_and_never_a_wrong_one(tmp_path):
    whole = written(tmp_path / "whole.mkv", UNEVEN_S[:60]).read_bytes()
    torn = tmp_path / "torn.mkv"
    most = 0
    for cut in range(len(whole) // 3, len(whole), len(whole) // 40):
        torn.write_bytes(whole[:cut])
        with VideoReader(torn) as reader:
            read = [(index, read_number(image), time) for index, time, image in reader]
        assert [number for _, number, _ in read] == [index for index, _, _ in read] == list(range(len(read)))
        np.testing.assert_allclose([time for *_, time in read], UNEVEN_S[: len(read)], atol=0.0006)
        assert len(read) >= most  # what a longer piece gave is never less
        most = len(read)
    assert most >= 55


def test_a_damaged_stretch_costs_its_own_frames_and_moves_no_other_in_time(film, tmp_path):
    damaged = bytearray(film.read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 400] = np.random.default_rng(5).bytes(400)
    (tmp_path / "damaged.mkv").write_bytes(damaged)
    with VideoReader(tmp_path / "damaged.mkv") as reader:
        found = [(time, read_number(image)) for _, time, image in reader]
    assert 180 < len(found) < 200
    assert all(abs(UNEVEN_S[number] - time) < 0.0006 for time, number in found)


def test_colours_stay_what_they_were(tmp_path):
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128], [250, 200, 10]], np.uint8)
    with VideoWriter(tmp_path / "film.mkv", (160, 120)) as writer:
        for k, colour in enumerate(colours):
            writer.write(np.broadcast_to(colour, (120, 160, 3)), k / 10)
    with VideoReader(tmp_path / "film.mkv") as reader:
        shown = [image.mean(axis=(0, 1)) for _, _, image in reader]
    np.testing.assert_allclose(shown, colours, atol=4)


def test_a_file_without_a_frame_is_refused(tmp_path, film):
    with pytest.raises(VideoError, match="no video file"):
        VideoReader(tmp_path / "film.mkv")
    head = tmp_path / "head.mkv"
    head.write_bytes(film.read_bytes()[:700])
    with pytest.raises(VideoError, match=r"cannot be read|can be decoded|no moving picture"):
        VideoReader(head)


@pytest.mark.parametrize(
    ("name", "n_frames", "size"),
    [
        ("nasa_13013.mp4", 390, (480, 270)),
        ("var_fps_video.mp4", 300, (128, 128)),
        ("h265_video.mp4", 10, (128, 128)),
        ("av1_video.mkv", 125, (640, 360)),
        ("bigbuckbunny.mp4", 132, (1280, 720)),
    ],
)
def test_frames_sought_in_files_of_others_are_those_read_in_order(shared_data, name, n_frames, size):
    with VideoReader(shared_data / "video" / name) as reader:
        assert (reader.n_frames, (reader.width, reader.height)) == (n_frames, size)
        wanted = np.random.default_rng(0).choice(n_frames, 3, replace=False)
        marks = {i: image.mean(axis=(0, 1)) for i, _, image in reader if i in wanted}
        assert len(marks) == len(wanted)
        for index in wanted:
            np.testing.assert_array_equal(reader.frame(int(index)).mean(axis=(0, 1)), marks[index])
