"""What opens a session that was chosen in the window."""

from __future__ import annotations

from pathlib import Path

from experiment.compose import LiveChoice, open_live, open_replay
from experiment.feedback_options import FeedbackChoice
from experiment.model_choice import ModelChoice
from experiment.run import Running
from experiment.state import FeedbackStyle
from gui.setup.choices import Setup
from realtime.config import ConditioningConfig

PRESETS = ("demo", "laptop", "lab")


def open_streams(setup: Setup, out: Path, feedback: FeedbackChoice | None) -> Running:
    """Open what the set-up dialog chose; `out` is where recordings go.

    Raises
    ------
    PhospheneError
    """
    from experiment.person.offer import offer_calibration  # FFmpeg is in these: half a second of every window
    from experiment.recording import offer_recording
    from gui.stimulus.player import full_screen

    if feedback is None and setup.feedback:
        feedback = FeedbackChoice(style=FeedbackStyle(setup.feedback))
    conditioning = ConditioningConfig(reference=setup.reference, notch_hz=setup.notch_hz or None)
    choice = LiveChoice(
        setup.eeg,
        setup.videos[1:] if setup.full_screen else setup.videos,
        ModelChoice(setup.preset, setup.weights or None),
        conditioning,
        montage=setup.channels,
        stimulus=full_screen(setup.video) if setup.full_screen else None,
        feedback=feedback,
    )
    running = open_live(choice)
    offer_calibration(running, offer_recording(running, out), choice.model, conditioning)
    return running


def open_recorded(folder: Path) -> Running:
    """Open a recorded session, to stand still at its end instead of being over.

    Raises
    ------
    PhospheneError
    """
    running = open_replay(folder, ModelChoice())
    if running.hold_at_end is not None:
        running.hold_at_end()
    return running
