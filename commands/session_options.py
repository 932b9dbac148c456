"""Options of verbs that run a session: its streams, its feedback, what is recorded, how it is played.

Legal values stand here as literals, see `commands.options`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import typer

from commands.options import EegOfSession

if TYPE_CHECKING:
    from experiment.feedback_options import FeedbackChoice
    from recordings.session.options import RecordingOptions

SESSIONS = Path("sessions")
ClockName = Literal["check", "arrival"]
StyleName = Literal["bar", "ring", "brightness", "tone", "speed"]
CodecName = Literal[
    "libx264", "libx265", "ffv1", "mjpeg", "h264_nvenc", "hevc_nvenc", "h264_qsv", "h264_amf",
    "h264_videotoolbox",
]  # fmt: skip
FeedbackSet = Annotated[
    list[str] | None,
    typer.Option(
        "--feedback-set", help="A setting of the feedback: baseline_s=30, threshold=0.2, when=above"
    ),
]


@dataclass(frozen=True)
class StreamsGroup:
    """What a live session sees, and by whose clock."""

    PANEL: ClassVar = "Streams"

    video: Annotated[
        list[str] | None,
        typer.Option(
            "--video", help="A camera's number, a file, a URL or screen; again for more, what is shown first."
        ),
    ] = None
    stimulus: Annotated[
        str | None,
        typer.Option(
            "--stimulus",
            help="A film or a playlist (.json), played full screen to the participant: the session sees it.",
        ),
    ] = None
    screen: Annotated[
        int | None,
        typer.Option("--screen", min=1, help="Of the stimulus; the second by default where there is one."),
    ] = None
    clock: Annotated[
        ClockName,
        typer.Option("--clock", help="check: refuse stamps of another clock. arrival: stamp on arrival."),
    ] = "check"
    montage: Annotated[
        str | None,
        typer.Option(
            "--montage",
            help="Names of the electrodes, kept for this headset: a file, Fz,Cz,Pz in the stream's order, or "
            "1=Fz,2=C3; none forgets them.",
        ),
    ] = None


@dataclass(frozen=True)
class FeedbackGroup:
    """The closed loop."""

    PANEL: ClassVar = "Feedback"

    feedback: Annotated[
        bool,
        typer.Option("--feedback", help="Close the loop: give feedback on the similarity, as it stands."),
    ] = False
    feedback_set: FeedbackSet = None
    feedback_style: Annotated[
        StyleName | None,
        typer.Option("--feedback-style", help="How the participant takes it in; speed is the film's."),
    ] = None
    sham: Annotated[
        str | None,
        typer.Option("--sham", help="Feedback that follows nothing: random, or the times of this SESSION's."),
    ] = None
    blind: Annotated[
        bool,
        typer.Option(
            "--blind", help="Nobody here learns how well it fits; with --sham, a coin says whether it is one."
        ),
    ] = False
    osc: Annotated[str | None, typer.Option("--osc", help="Send the feedback by OSC as well: HOST:PORT.")] = (
        None
    )
    network: Annotated[
        bool, typer.Option("--network", help="Let other machines hear the feedback over LSL, too.")
    ] = False

    def choice(self) -> FeedbackChoice | None:
        """Return the feedback that was asked for; None where none of these options was given.

        Raises
        ------
        ConfigError, SessionError
            See `experiment.feedback_options.feedback_choice`.
        """
        if replace(self, network=False) == FeedbackGroup():
            return None
        if self.network:
            from realtime.lsl.outlet import let_the_network_hear

            let_the_network_hear()
        from experiment.feedback_options import feedback_choice

        style = self.feedback_style or "bar"
        return feedback_choice(self.feedback_set or (), self.sham, self.osc, style, blind=self.blind)


@dataclass(frozen=True)
class RecordingGroup:
    """What is recorded beside EEG and video, and under which name."""

    PANEL: ClassVar = "Recording"

    stream: Annotated[
        list[str] | None,
        typer.Option(
            "--stream", help="Further LSL streams, all that fit, recorded as they are: type=Markers"
        ),
    ] = None
    all_streams: Annotated[
        bool,
        typer.Option("--all-streams", help="Record every LSL stream on the network, also those that join."),
    ] = False
    sub: Annotated[str | None, typer.Option(help="Subject, letters and digits.")] = None
    ses: Annotated[str | None, typer.Option(help="Session.")] = None
    task: Annotated[str | None, typer.Option(help="Task.")] = None
    run: Annotated[str | None, typer.Option(help="Run; the next free number by default.")] = None
    template: Annotated[str, typer.Option(help="Of the folder's name, with {sub}, {ses}, {task}, {run}.")] = (
        "sub-{sub}_ses-{ses}_task-{task}_run-{run}"
    )
    codec: Annotated[CodecName, typer.Option(help="Encoder of the video; ffv1 loses nothing.")] = "libx264"
    remote: Annotated[
        int | None,
        typer.Option(
            "--remote",
            help="Let other programs of this machine start and stop recordings through this port; "
            "LabRecorder's is 22345.",
            min=0,
            max=65535,
        ),
    ] = None
    codec_option: Annotated[
        list[str] | None, typer.Option(help="Of the encoder, for its quality: crf=18, preset=fast")
    ] = None

    def streams(self) -> list[str]:
        """Return the selections of further streams."""
        from experiment.recording import ALL_STREAMS

        return [*(self.stream or []), *([ALL_STREAMS] if self.all_streams else [])]

    def options(self) -> RecordingOptions:
        """Return what `recordings` takes.

        Raises
        ------
        ConfigError
            An option of the encoder has no value.
        """
        from realtime.errors import ConfigError
        from recordings.session.options import RecordingOptions

        pairs = [setting.partition("=") for setting in self.codec_option or []]
        if unset := [name for name, equals, _ in pairs if not equals]:
            raise ConfigError(
                f"--codec-option {unset[0]} names no value: write NAME=VALUE, for example crf=18"
            )
        named = {"sub": self.sub, "ses": self.ses, "task": self.task, "run": self.run}
        return RecordingOptions(
            codec=self.codec,
            codec_options={name: value for name, _, value in pairs},
            entities={name: value for name, value in named.items() if value is not None},
        )


@dataclass(frozen=True)
class RecordButtonGroup:
    """What the record button of a live session does."""

    PANEL: ClassVar = "Recording"

    out: Annotated[Path, typer.Option("--out", help="Where the record button puts its folders.")] = SESSIONS
    remote: Annotated[
        int | None,
        typer.Option(
            "--remote",
            help="Let other programs of this machine start and stop recordings through this port.",
            min=0,
            max=65535,
        ),
    ] = None
    sub: Annotated[
        str | None,
        typer.Option(
            "--sub", help="The participant: names recordings; a model of several people takes their layer."
        ),
    ] = None


@dataclass(frozen=True)
class PlaybackGroup:
    """How a recorded session is played."""

    PANEL: ClassVar = "Playback"

    speed: Annotated[str, typer.Option("--speed", help="Times real time, or max.")] = "1"
    start: Annotated[
        float, typer.Option("--start", min=0, help="Begin this many seconds into the session.")
    ] = 0.0
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end.")] = False
    network: Annotated[
        bool, typer.Option("--network", help="With --lsl: let other machines hear it, not this one alone.")
    ] = False
    eeg: EegOfSession = None

    def factor(self) -> float:
        """Return the speed as a number, infinite for max.

        Raises
        ------
        ConfigError
            It is neither a number above 0 nor max.
        """
        from realtime.errors import ConfigError

        if self.speed == "max":
            return math.inf
        try:
            value = float(self.speed)
        except ValueError:
            value = 0.0
        if not value > 0:
            raise ConfigError(f"--speed {self.speed} is no speed: give a number above 0, or max")
        return value
