"""The configuration of streams and time, frozen and strict; and what is kept for the user from run to run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from realtime.errors import ConfigError


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
    def per_slot(self) -> int:
        """EEG points of a slot."""
        return self.eeg_hz // self.slots_hz

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


def config_folder() -> Path:
    """Return the user's folder for settings, after the XDG Base Directory Specification."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "phosphene"


def read_kept(path: Path, again: str) -> dict[str, Any]:
    """Read a table that `write_kept` wrote; empty where there is none.

    Parameters
    ----------
    again : str
        What a user does to fill it again, for the message.

    Raises
    ------
    ConfigError
        The file is there and cannot be understood.
    """
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, OSError) as failure:
        raise ConfigError(f"{path} cannot be read ({failure}): remove it and {again}") from None
    if not isinstance(known, dict):
        raise ConfigError(f"{path} holds no table: remove it and {again}")
    return known


def write_kept(path: Path, table: Mapping[str, Any]) -> None:
    """Keep a table for the next run, so that a crash leaves the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(table, indent=2, ensure_ascii=False), encoding="utf-8")
    part.replace(path)
