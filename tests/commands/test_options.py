"""Options of the verbs: shared groups in the code, single options under headings in the help."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, get_args

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from commands import options, session_options
from commands.app import app
from commands.grouping import given_options, grouped
from experiment.state import FeedbackStyle
from models.config import PRESETS
from models.inference.stages import CHOICES
from models.learning.person import How
from realtime.config import ConditioningConfig
from realtime.lsl.link import ClockMode
from recordings.video.files import VideoWriter

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Colours:
    PANEL: ClassVar = "Colours"

    hue: Annotated[str, typer.Option("--hue", help="Which.")] = "red"
    shade: Annotated[int | None, typer.Option(help="How dark.")] = None


@dataclass(frozen=True)
class MoreColours(Colours):
    glow: Annotated[bool, typer.Option("--glow")] = False


def ran(verb, *words: str):
    small = typer.Typer()
    small.command()(grouped(verb))
    return CliRunner().invoke(small, words)


class TestGroups:
    def test_a_verb_is_given_its_group_and_the_help_has_a_heading(self):
        taken = []

        def paint(wall: Annotated[str, typer.Argument()], colours: Colours, coats: int = 1) -> None:
            """Paint."""
            taken.append((wall, colours, coats))

        assert ran(paint, "north", "--hue", "blue", "--coats", "2").exit_code == 0
        assert taken == [("north", Colours("blue"), 2)]
        assert given_options(taken[0][1]) == {"hue": "blue"}
        shown = ran(paint, "--help").output
        assert "Colours" in shown
        assert shown.index("Colours") < shown.index("--hue")

    def test_a_group_may_extend_another(self):
        taken = []

        def paint(colours: MoreColours) -> None:
            taken.append(colours)

        assert ran(paint, "--glow", "--shade", "3").exit_code == 0
        assert taken == [MoreColours("red", 3, glow=True)]

    def test_an_option_in_two_groups_is_an_error_when_the_verb_is_made(self):
        def paint(colours: Colours, others: MoreColours) -> None: ...

        with pytest.raises(ValueError, match="hue"):
            grouped(paint)

    def test_no_verb_takes_more_than_eight_parameters(self):
        for command in app.registered_commands:
            verb = inspect.unwrap(command.callback)
            assert len(inspect.signature(verb).parameters) <= 8, verb.__name__


class TestLegalValues:
    def test_they_are_those_of_the_parts_that_know_them(self):
        assert set(get_args(options.PresetName)) == set(PRESETS)
        assert set(get_args(options.BackendName)) == set(CHOICES)
        assert get_args(options.RecipeName) == get_args(How)
        assert get_args(session_options.ClockName) == get_args(ClockMode)
        assert get_args(session_options.StyleName) == tuple(style.value for style in FeedbackStyle)
        for reference in get_args(options.ReferenceName):
            assert ConditioningConfig(reference=reference).reference == reference

    @pytest.mark.parametrize("codec", ["libx264", "libx265", "ffv1", "mjpeg"])
    def test_an_encoder_of_software_writes_a_video(self, codec, tmp_path):
        assert codec in get_args(session_options.CodecName)
        with VideoWriter(tmp_path / "video.mkv", (64, 64), codec=codec) as video:
            video.write(np.zeros((64, 64, 3), np.uint8), 0.0)

    @pytest.mark.parametrize("verb", ["live", "record", "replay", "train", "headset"])
    def test_help_shows_them_under_headings(self, verb):
        shown = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "120"}).output
        wanted = {
            "live": ("Streams", "Model", "EEG", "Feedback", "check|arrival", "openvino-int8", "average"),
            "record": ("Recording", "libx264", "ring|brightness"),
            "replay": ("Playback", "demo|laptop|lab"),
            "train": ("Network", "as recorded|average"),
            "headset": ("A real headset", "Its faults", "sample|arrival|unix"),
        }[verb]
        assert [words for words in wanted if words not in shown] == []


def test_the_version_is_printed():
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0
    assert done.output.startswith("phosphene ")


def test_without_a_verb_the_help_is_printed():
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 0
    assert "calibrate-camera" in done.output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("phosphene cali", ["calibrate", "calibrate-camera"]),
        ("phosphene live --backend openv", ["openvino", "openvino-int8"]),
    ],
)
def test_the_shell_completes_verbs_and_values(words, expected):
    asked = {
        "_PHOSPHENE_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    command = [sys.executable, "-m", "phosphene"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | asked, capture_output=True, text=True)
    assert done.stdout.split() == expected
