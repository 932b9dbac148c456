"""Closes the loop of a session: from readings to feedback, its outlets, and what the operator sees of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gui.run import Running
from gui.state import FeedbackState as Shown
from realtime.clock import Clock
from realtime.feedback import Feedback, FeedbackConfig, FeedbackState
from realtime.loop import FeedbackLoop, Outlet

_WORDS = {
    FeedbackState.BASELINE: "baseline",
    FeedbackState.READY: "watching",
    FeedbackState.HOLDING: "watching",
    FeedbackState.ACTIVE: "feedback on",
    FeedbackState.RESTING: "pause",
}


def close_loop(
    running: Running,
    config: FeedbackConfig,
    clock: Clock,
    source_id: str = "",
    effect: Callable[[float], None] | None = None,
    more_outlets: tuple[Outlet, ...] = (),
) -> FeedbackLoop:
    """Let a session's readings become feedback on LSL, and have `effect` (given 0 to 1) show it.

    Adds the loop to the session: its summary says how often feedback began, its window shows the meter.
    """
    from realtime.feedback_outlet import FeedbackOutlet

    pipeline = running.pipeline
    outlets = (FeedbackOutlet(config, clock, source_id), *more_outlets)
    loop = FeedbackLoop(config, outlets, effect, lambda: pipeline.eeg.quality.reasons)
    pipeline.taps.append(loop.take)
    running.extras.append(lambda: {"feedback": {"began": loop.events}})
    running.cleanups.append(loop.close)
    running.actions = replace(running.actions, feedback=lambda: _shown(loop))
    return loop


def _shown(loop: FeedbackLoop) -> Shown:
    slot = loop.latest.get()
    return Shown(None, phase="waiting") if slot is None else operators_view(slot.value, loop.config)


def operators_view(feedback: Feedback, config: FeedbackConfig) -> Shown:
    """What the operator is told; in a sham run nothing that would tell it from a real one."""
    phase = _WORDS[feedback.state]
    if config.sham != "off" or feedback.threshold is None:
        return Shown(None, phase=phase, rewarded=feedback.level > 0)
    threshold = config.percentile / 100 if config.threshold == "adaptive" else None
    return Shown(feedback.position, threshold, phase, feedback.level > 0)
