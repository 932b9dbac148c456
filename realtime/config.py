"""The configuration of streams and time. Frozen; unknown names are refused."""

from __future__ import annotations

from fractions import Fraction

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Frozen(BaseModel):
    """A configuration that cannot be changed and refuses unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class GridConfig(Frozen):
    """Time grids on the LSL clock. Everything is a whole number of steps, so intervals have exact borders.

    An interval that ends at t holds the video of [t - interval_s - lag_s, t - lag_s) on `slots_hz` slots a
    second and the EEG of [t - interval_s - lag_s, t) on `eeg_hz` points a second: the brain answers
    after the picture (design note in docs/architecture.md).
    """

    interval_s: float = Field(2.0, gt=0)
    lag_s: float = Field(0.5, ge=0)
    hop_s: float = Field(0.25, gt=0)
    eeg_hz: int = Field(200, gt=0)
    slots_hz: int = Field(40, gt=0)
    lateness_s: float = Field(0.3, ge=0)  # how long an interval waits for late streams before it is masked
    max_hold_s: float = Field(1.0, gt=0)  # a frame older than this is no longer "on show"
    min_valid: float = Field(0.8, ge=0, le=1)  # least share of EEG points and of slots for a reading

    @model_validator(mode="after")
    def _whole_steps(self) -> GridConfig:
        if self.eeg_hz % self.slots_hz:
            raise ValueError(
                f"slots_hz={self.slots_hz} must divide eeg_hz={self.eeg_hz}: 20, 25, 40, 50 or 100"
            )
        for name in ("interval_s", "lag_s", "hop_s"):
            steps = Fraction(getattr(self, name)).limit_denominator(10_000) * self.slots_hz
            if steps.denominator != 1:
                raise ValueError(
                    f"{name}={getattr(self, name)} is not a whole number of 1/{self.slots_hz} s slots"
                )
        return self

    @property
    def n_slots(self) -> int:
        """Slots of an interval's video."""
        return round(self.interval_s * self.slots_hz)

    @property
    def n_times(self) -> int:
        """Points of an interval's EEG."""
        return round((self.interval_s + self.lag_s) * self.eeg_hz)

    @property
    def hop_slots(self) -> int:
        """Slots from one interval to the next."""
        return round(self.hop_s * self.slots_hz)

    @property
    def hop_points(self) -> int:
        """EEG points from one interval to the next."""
        return round(self.hop_s * self.eeg_hz)

    def slot_range(self, index: int) -> tuple[int, int]:
        """First and one-past-last slot of interval `index`, counted from time 0 of the LSL clock."""
        stop = index * self.hop_slots - round(self.lag_s * self.slots_hz)
        return stop - self.n_slots, stop

    def point_range(self, index: int) -> tuple[int, int]:
        """First and one-past-last EEG point of interval `index`, counted from time 0 of the LSL clock."""
        stop = index * self.hop_points
        return stop - self.n_times, stop


class ConditioningConfig(Frozen):
    """What happens to a sample before it reaches the grid. The encoder states the band it wants."""

    band_hz: tuple[float, float] | None = (0.5, 40.0)
    notch_hz: float | None = Field(50.0, gt=0)
    reference: str = Field("as recorded", pattern="^(as recorded|average)$")
    channels: tuple[str, ...] | None = None  # names in the order wanted; None takes the stream's EEG channels
    unit: str | None = None  # overrides what the stream says
    scale_s: float = Field(20.0, gt=0)  # memory of the running robust scale
