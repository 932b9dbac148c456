"""A live session that begins with questions: what to look at, which streams, which model."""

from __future__ import annotations

from pathlib import Path

from experiment.compose import LiveChoice, open_live, open_replay
from experiment.demo import open_demo
from experiment.feedback_options import FeedbackChoice
from experiment.model_choice import ModelChoice
from experiment.recording import offer_recording
from experiment.run import Running
from experiment.state import FeedbackStyle
from gui.setup.choices import Setup
from gui.setup.start import Offer, ask_offer, ask_session, ask_setup, tell
from gui.stimulus.player import full_screen
from realtime.config import ConditioningConfig
from realtime.errors import PhospheneError
from recordings.session.example import EXAMPLE

PRESETS = ("demo", "laptop", "lab")


def ask_and_open(out: Path, feedback: FeedbackChoice | None = None) -> Running | None:
    """Show the first-run page and open what was chosen; None where the user left.

    Streams that do not open are reported, and asked for again.

    Parameters
    ----------
    out : Path
        Where the record button of a live session puts its folders.
    feedback : FeedbackChoice, optional
        What a live session gives whatever the dialog says.

    Raises
    ------
    PhospheneError
        What was chosen cannot be opened.
    """
    offer = ask_offer()
    if offer is Offer.DEMO:
        return open_demo(ModelChoice())
    if offer is Offer.EXAMPLE:
        return open_replay(EXAMPLE, ModelChoice(weights="demo"))
    if offer is Offer.SESSION:
        folder = ask_session()
        return open_replay(folder, ModelChoice()) if folder is not None else None
    return _ask_streams(out, feedback) if offer is Offer.STREAMS else None


def _ask_streams(out: Path, feedback: FeedbackChoice | None) -> Running | None:
    """Ask, and ask again where what was chosen does not open: a user who clicks sees no terminal."""
    while (setup := ask_setup(PRESETS)) is not None:
        try:
            return _open(setup, out, feedback)
        except PhospheneError as error:
            tell(str(error))
    return None


def _open(setup: Setup, out: Path, feedback: FeedbackChoice | None) -> Running:
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
    offer_recording(running, out)
    return running
