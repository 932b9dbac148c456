"""A camera's offset is found from a window it sees flash; the synthetic cameras here know theirs."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.config import config_folder
from realtime.errors import ConfigError, VideoError
from realtime.video.calibration import (
    CameraOffset,
    change_times,
    estimate_offset,
    flash_brightness,
    load_offset,
    save_offset,
)
from realtime.video.camera import UrlSource
from tests.support.pictures.http_camera import HttpCamera


def bright(changes, times):
    """Whether the window is bright, 0 or 1, at any times."""
    return np.searchsorted(changes, times, side="right") % 2


def camera(offset, fps=30.0, exposure=0.5, n_changes=40, jitter=0.0, noise=5.0, lost=0.0, drift=0.0, seed=0):
    """Changes, stamps and brightness as a camera with these faults gives them; exposure in frames."""
    rng = np.random.default_rng(seed)
    changes = 1000 + change_times(n_changes, seed)
    middles = np.arange(999.0, changes[-1] + 4, 1 / fps) + rng.uniform(0, 1 / fps)
    light = bright(changes, middles[:, None] + np.linspace(-0.5, 0.5, 201) * exposure / fps).mean(axis=1)
    brightness = 40 + 120 * light + rng.normal(0, noise, len(middles)) + np.linspace(0, drift, len(middles))
    stamps = middles + offset + rng.normal(0, jitter, len(middles))
    kept = rng.random(len(middles)) >= lost
    return changes, stamps[kept], brightness[kept]


@settings(max_examples=25, deadline=None)
@given(
    offset=st.floats(-0.05, 1.5),
    fps=st.sampled_from([15.0, 25.0, 29.97, 60.0]),
    exposure=st.floats(0.05, 1.0),
    lost=st.sampled_from([0.0, 0.1]),
    drift=st.sampled_from([0.0, 40.0]),
    seed=st.integers(0, 1000),
)
def test_a_known_offset_is_found_to_a_tenth_of_a_frame(offset, fps, exposure, lost, drift, seed):
    found = estimate_offset(*camera(offset, fps, exposure, lost=lost, drift=drift, seed=seed))
    assert abs(found.offset_mean - offset) < 0.1 / fps
    assert found.frame_period == pytest.approx(1 / fps, rel=0.01)
    assert found.explained > 0.9
    assert found.offset_spread < 0.5 / fps


def test_a_dozen_changes_in_bad_light_are_enough_for_half_a_frame():
    seen = [camera(0.04, n_changes=12, noise=40.0, seed=seed) for seed in range(20)]
    errors = [estimate_offset(*each).offset_mean - 0.04 for each in seen]
    assert np.abs(errors).max() < 0.5 / 30


def test_the_spread_shows_the_jitter_of_the_stamps():
    jitters = (0.0, 0.004, 0.008)
    found = [estimate_offset(*camera(0.06, 30.0, 0.9, 80, jitter, noise=1.0)) for jitter in jitters]
    spreads = [f.offset_spread for f in found]
    assert spreads[0] < spreads[1] < spreads[2]
    np.testing.assert_allclose(spreads[1:], jitters[1:], rtol=0.3)
    np.testing.assert_allclose([f.offset_mean for f in found], 0.06, atol=0.003)


def test_the_exposure_shows_in_the_result():
    for exposure in (0.3, 0.9):
        found = estimate_offset(*camera(0.06, 30.0, exposure, n_changes=80, noise=1.0))
        assert found.exposure == pytest.approx(exposure / 30, rel=0.15)


def test_a_camera_that_does_not_see_the_window_is_told():
    changes, stamps, brightness = camera(0.05)
    for unseen in (np.full_like(brightness, 80.0), np.random.default_rng(0).normal(80, 5, len(stamps))):
        with pytest.raises(VideoError, match=r"does not see the window flash.*point the camera"):
            estimate_offset(changes, stamps, unseen)
    with pytest.raises(VideoError, match="does not see"):
        estimate_offset(changes, stamps, -brightness)


def test_too_little_to_measure_is_told():
    changes, stamps, brightness = camera(0.05)
    with pytest.raises(VideoError, match=r"3 changes.*at least 10"):
        estimate_offset(changes[:3], stamps, brightness)
    with pytest.raises(VideoError, match="too few"):
        estimate_offset(changes, stamps[:40], brightness[:40])
    with pytest.raises(VideoError, match="too few"):
        estimate_offset(changes, stamps - 500, brightness)


def test_a_window_that_fills_a_corner_of_a_busy_picture_is_seen():
    changes, stamps, brightness = camera(0.05)
    rng = np.random.default_rng(0)
    pictures = rng.normal(100, 15, (len(stamps), 24, 32))
    pictures[:, 3:12, 20:30] = brightness[:, None, None] + rng.normal(0, 5, (len(stamps), 9, 10))
    seen = flash_brightness(np.clip(pictures, 0, 255).astype(np.uint8))
    assert np.corrcoef(seen, brightness)[0, 1] > 0.99
    assert estimate_offset(changes, stamps, seen).offset_mean == pytest.approx(0.05, abs=0.1 / 30)


@pytest.mark.slow
def test_a_network_camera_with_a_known_delay_is_measured_through_the_program():
    delay, changes = 0.080, time.monotonic() + 0.5 + change_times(11)

    def picture(number):
        light = bright(changes, server.shown_at(number) - delay)
        return np.full((48, 64, 3), 30 + 180 * light, np.uint8)

    with HttpCamera(fps=30, picture=picture) as server:
        source = UrlSource(server.url)
        source.open()
        frames = []
        while not frames or frames[-1].stamp < changes[-1] + delay + 0.2:
            if (frame := source.read(1.0)) is not None:
                frames.append(frame)
        source.close()
    pictures = np.stack([frame.image for frame in frames])
    found = estimate_offset(changes, np.array([f.stamp for f in frames]), flash_brightness(pictures))
    assert found.offset_mean == pytest.approx(delay, abs=0.5 / 30)


# --- what is kept ----------------------------------------------------------------------------------------

FOUND = CameraOffset(0.0431, 0.0021, 0.0167, 0.0333, 40, 0.97)


def test_an_offset_is_kept_for_its_camera_and_its_kind_of_stamps(tmp_path):
    assert load_offset("HD Webcam", "driver", tmp_path) is None
    save_offset("HD Webcam", "driver", FOUND, tmp_path)
    save_offset("Lärmkamera", "arrival", replace(FOUND, offset_mean=0.1), tmp_path)
    save_offset("HD Webcam", "driver", replace(FOUND, offset_mean=0.05), tmp_path)
    assert load_offset("HD Webcam", "driver", tmp_path) == replace(FOUND, offset_mean=0.05)
    assert load_offset("Lärmkamera", "arrival", tmp_path).offset_mean == 0.1
    assert load_offset("HD Webcam", "arrival", tmp_path) is None
    assert [p.name for p in tmp_path.iterdir()] == ["cameras.json"]


def test_the_folder_follows_the_user_s_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert save_offset("cam", "driver", FOUND) == tmp_path / "phosphene" / "cameras.json"
    assert load_offset("cam", "driver") == FOUND
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_folder() == tmp_path / ".config" / "phosphene"


@pytest.mark.parametrize("content", ["{", "[1]", '{"cam | driver": {"offset": 1}}', '{"cam | driver": 3}'])
def test_a_damaged_file_is_told_and_not_written_over(tmp_path, content):
    path = tmp_path / "cameras.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match="calibrate again"):
        load_offset("cam", "driver", tmp_path)
    if content in ("{", "[1]"):
        with pytest.raises(ConfigError):
            save_offset("cam", "driver", FOUND, tmp_path)
        assert path.read_text() == content
