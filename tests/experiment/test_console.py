"""What is printed for people: a name that has to be typed is never cut, at any width."""

from __future__ import annotations

import pytest

from experiment.console import print_audit, print_findings, print_streams, print_summary
from experiment.doctor import Finding
from realtime.lsl.selector import StreamSummary
from realtime.video.listing import CameraSummary

NAME = "Unicorn [left] hemisphere UN-2023.04.57 :brain: of the second laboratory"
SOURCE = "9f6f1c2e-4d0b-4d4e-8f2a-1f0c5e1b77aa_UN-2023.04.57"


@pytest.mark.parametrize("columns", ["40", "60", "80", "200"])
class TestNamesAreWhole:
    @pytest.fixture(autouse=True)
    def narrow(self, monkeypatch, columns):
        monkeypatch.setenv("COLUMNS", columns)

    def test_of_streams_and_cameras(self, capsys):
        stream = StreamSummary(NAME, "EEG", 8, 250.0, "float32", "laboratory-two.local", SOURCE, "uid")
        print_streams([stream], [CameraSummary(2, f"Camera {NAME}", "/dev/video2")])
        out = capsys.readouterr().out
        assert all(name in out for name in (NAME, SOURCE, "laboratory-two.local", f"camera 2: Camera {NAME}"))

    def test_of_what_a_recording_holds(self, capsys):
        stream = {
            "id": 1, "name": NAME, "type": "EEG", "n_channels": 8, "format": "float32", "rate_nominal": 250.0,
            "samples": 1000, "clock_offsets": 3,
        }  # fmt: skip
        problem = f"{NAME}: 3 samples stand twice"
        print_audit(
            {
                "name": NAME,
                "duration_s": 8.0,
                "complete": True,
                "streams": [stream],
                "problems": [problem],
                "warnings": [],
            }
        )
        out = capsys.readouterr().out
        assert out.count(NAME) == 3


def test_long_words_of_a_check_are_folded_not_cut(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    print_findings([Finding("disk", "1 GB free in /" + "x" * 90, "make room")])
    assert capsys.readouterr().out.count("x") == 90


def test_warnings_and_errors_of_a_session_are_told(capsys):
    video = {"name": "film", "fps_effective": 30.0, "dropped": 0, "similarity_mean": None}
    eeg = {"name": "Cap", "rate_effective": None, "gaps": 1, "lost_samples": 25}
    print_summary(
        {
            "eeg": eeg, "video": video, "other_videos": [], "latency_ms": {}, "readings": 0,
            "skipped_ticks": 0,
            "backend": "eager fp32", "weights": "untrained",
            "warnings": ["EEG Cap: 1 gaps, 25 samples lost"], "errors": ["RunError: the disk is full"],
        }
    )  # fmt: skip
    err = capsys.readouterr().err
    assert "EEG Cap: 1 gaps, 25 samples lost" in err
    assert "the disk is full" in err
