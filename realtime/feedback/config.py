"""What feedback follows, and how hastily: its parameters, checked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from realtime.config import Frozen


class FeedbackConfig(Frozen):
    """What feedback follows, and how hastily.

    Attributes
    ----------
    signal : {"similarity", "match"}
    when : {"below", "above"}
        The side of the threshold on which feedback is given.
    smoothing_s : float
        Time constant of the exponential mean that is compared with the threshold; 0 for none.
    baseline_s : float
        Good EEG that is watched first, without feedback.
    threshold : float or {"baseline", "adaptive"}
        A fixed one; the `percentile` of the last `window_s` when the baseline was over; or that of the last
        `window_s` at any time, so that there is about as much feedback at the end as at the beginning.
    hysteresis : float
        How far the signal has to come back past the threshold, in its own standard deviations over the
        window.
    hold_s, refractory_s, longest_s : float
        How long the signal has to be beyond before feedback begins; how long after it there is none; how
        long it lasts at most.
    stale_s : float
        A longer pause between readings is a break: what was held is let go.
    min_valid : float
        Least share of EEG points and of frames in a reading that may give feedback.
    sham : {"off", "random", "yoked"}
        Feedback that does not follow the signal: at random times, or at those of another session. It passes
        through the same states, so that nothing but the signal itself tells it from the real one.
    sham_per_min, sham_on_s : float
        Of random sham: how often, and how long each.
    yoked : tuple of (float, float)
        Of yoked sham: start and end of each feedback, in seconds since the baseline was over;
        `from_markers` takes them from a recording.
    """

    signal: Literal["similarity", "match"] = "similarity"
    when: Literal["below", "above"] = "below"
    smoothing_s: float = Field(default=1.0, ge=0)
    baseline_s: float = Field(default=20.0, ge=0)
    threshold: float | Literal["baseline", "adaptive"] = "adaptive"
    percentile: float = Field(default=35.0, gt=0, lt=100)
    window_s: float = Field(default=120.0, gt=0)
    hysteresis: float = Field(default=0.3, ge=0)
    hold_s: float = Field(default=0.5, ge=0)
    refractory_s: float = Field(default=2.0, ge=0)
    longest_s: float = Field(default=15.0, gt=0)
    stale_s: float = Field(default=1.5, gt=0)
    min_valid: float = Field(default=0.9, ge=0, le=1)
    sham: Literal["off", "random", "yoked"] = "off"
    sham_per_min: float = Field(default=4.0, gt=0)
    sham_on_s: float = Field(default=4.0, gt=0)
    yoked: tuple[tuple[float, float], ...] = ()
    seed: int = 0

    @model_validator(mode="after")
    def _possible(self) -> FeedbackConfig:
        if isinstance(self.threshold, str) and self.baseline_s <= 0:
            raise ValueError(
                f"threshold={self.threshold} needs a baseline: give baseline_s, or a fixed threshold"
            )
        if self.sham == "yoked" and not self.yoked:
            raise ValueError("yoked sham needs the times of another session's feedback: give yoked")
        spans = [time for span in self.yoked for time in span]
        if spans != sorted(spans):
            raise ValueError("yoked: each feedback has to end after it starts, and before the next")
        return self
