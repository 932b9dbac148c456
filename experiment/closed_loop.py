"""Closes the loop of a session: from readings to feedback, its outlets, and what is seen and heard of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol, runtime_checkable

from experiment.feedback_options import FeedbackChoice
from experiment.run import Running
from experiment.state import FeedbackShown as Shown
from experiment.state import FeedbackStyle
from realtime.errors import ConfigError
from realtime.feedback.config import FeedbackConfig
from realtime.feedback.controller import Feedback, FeedbackState
from realtime.feedback.loop import FeedbackLoop, Outlet
from realtime.live import LiveRunner
from realtime.time.clock import Clock

_WORDS = {
    FeedbackState.BASELINE: "baseline",
    FeedbackState.READY: "watching",
    FeedbackState.HOLDING: "watching",
    FeedbackState.ACTIVE: "feedback on",
    FeedbackState.RESTING: "pause",
}
_SLOWEST = 0.25  # of a film's own speed, at level 0
_DARKEST = 0.15  # of its own light


@runtime_checkable
class Playing(Protocol):
    """A film whose speed can be set."""

    speed: float


@runtime_checkable
class Lit(Protocol):
    """A film whose light can be set."""

    brightness: float


def close_loop(
    running: Running,
    config: FeedbackConfig,
    clock: Clock,
    source_id: str = "",
    effect: Callable[[float], None] | None = None,
    more_outlets: tuple[Outlet, ...] = (),
) -> FeedbackLoop:
    """Let a session's readings become feedback on LSL, and have `effect` (given 0 to 1) show it.

    Adds the loop to the session: its summary says how often feedback began, its window shows the meter, and
    where it is live feedback ends when readings stay away.
    """
    from realtime.feedback.outlet import FeedbackOutlet

    pipeline = running.pipeline
    outlets = (FeedbackOutlet(config, clock, source_id), *more_outlets)
    loop = FeedbackLoop(config, outlets, effect, lambda: pipeline.eeg.quality.reasons)
    pipeline.taps.attach(loop.take)
    if isinstance(running.runner, LiveRunner):
        running.runner.watches.attach(loop.watch)
    running.entries["feedback"] = lambda: {"began": loop.events}
    running.closing.callback(loop.close)
    running.actions = replace(running.actions, feedback=lambda: _newest(loop, clock))
    return loop


def give_feedback(running: Running, choice: FeedbackChoice, clock: Clock) -> FeedbackLoop:
    """Close a live session's loop as the user has chosen.

    Raises
    ------
    ConfigError
        The style needs a film, a loudspeaker or a package that is not there.
    """
    follow = _follower(running, choice.style)
    loop = close_loop(running, choice.config, clock, more_outlets=choice.outlets())
    running.feedback_style = choice.style
    if follow is not None:
        loop.taps.attach(lambda feedback: follow(operators_view(feedback, choice.config).level))
    return loop


def _follower(running: Running, style: FeedbackStyle) -> Callable[[float | None], None] | None:
    """Return what is given each new level, for styles that need no window of their own."""
    if style is FeedbackStyle.TONE:
        from realtime.feedback.tone import Tone

        tone = Tone()
        running.closing.callback(tone.close)
        return tone.set_level
    film = running.pipeline.video.source
    if style is FeedbackStyle.BRIGHTNESS and isinstance(film, Lit):
        return partial(_set_share, film, "brightness", _DARKEST)
    if style is FeedbackStyle.SPEED:
        if not isinstance(film, Playing):
            raise ConfigError(
                "feedback by speed slows a film down, and this video is no film: give one with "
                "--stimulus FILE or --video FILE, or choose another feedback"
            )
        return partial(_set_share, film, "speed", _SLOWEST)
    return None


def _set_share(film: object, name: str, least: float, level: float | None) -> None:
    """From `least` at level 0 to 1 at level 1; the film as it is where there is no level."""
    setattr(film, name, 1.0 if level is None else least + (1 - least) * level)


def _newest(loop: FeedbackLoop, clock: Clock) -> Shown:
    slot = loop.latest.get()
    if slot is None:
        return Shown(None, phase="waiting")
    if clock.now() - slot.value.emitted > loop.config.stale_s:
        return Shown(None, phase="no signal", needs_hand=True)
    return operators_view(slot.value, loop.config)


def operators_view(feedback: Feedback, config: FeedbackConfig) -> Shown:
    """Return what operator and participant see; in a sham run nothing that would tell it from a real one."""
    if not feedback.good:
        return Shown(None, phase="poor signal", needs_hand=True)
    phase = _WORDS[feedback.state]
    if feedback.threshold is None:
        return Shown(None, phase=phase)
    threshold = config.percentile / 100 if config.threshold == "adaptive" else None
    return Shown(feedback.position, threshold, phase, feedback.level > 0)
