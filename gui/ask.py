"""A live session that begins with questions: what to look at, which streams, which model."""

from __future__ import annotations

from gui.compose import LiveChoice, ModelChoice, open_demo, open_live, open_replay
from gui.run import Running
from gui.start import Offer, ask_offer, ask_session, ask_setup
from realtime.config import ConditioningConfig
from recordings.example import EXAMPLE

PRESETS = ("demo", "laptop", "lab")


def ask_and_open() -> Running | None:
    """Show the first-run page and open what was chosen; None where the user left.

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
    return _ask_streams() if offer is Offer.STREAMS else None


def _ask_streams() -> Running | None:
    setup = ask_setup(PRESETS)
    if setup is None:
        return None
    conditioning = ConditioningConfig(reference=setup.reference, notch_hz=setup.notch_hz or None)
    model = ModelChoice(setup.preset, setup.weights or None)
    return open_live(LiveChoice(setup.eeg, setup.videos, model, conditioning, montage=setup.channels))
