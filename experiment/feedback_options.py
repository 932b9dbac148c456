"""What a user says of feedback on the command line, and what is wrong with it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from experiment.state import FeedbackStyle
from realtime.errors import ConfigError
from realtime.feedback.config import FeedbackConfig
from realtime.feedback.controller import from_markers
from realtime.feedback.outlet import OscOutlet

_SETTINGS = [name for name in FeedbackConfig.model_fields if name != "yoked"]


@dataclass(frozen=True)
class FeedbackChoice:
    """The feedback of a session: what it follows, how the participant takes it in, and where else it goes.

    `osc` is the (host, port) that it is sent to; None for nowhere. `blind`: nobody is told how well
    signal and video fit, by which a sham could be known.
    """

    config: FeedbackConfig = field(default_factory=FeedbackConfig)
    style: FeedbackStyle = FeedbackStyle.BAR
    osc: tuple[str, int] | None = None
    blind: bool = False

    def outlets(self) -> tuple[OscOutlet, ...]:
        """Further ways out, opened. ConfigError where python-osc or the host is missing."""
        return (OscOutlet(*self.osc),) if self.osc else ()


def feedback_choice(
    settings: Sequence[str] = (),
    sham: str | None = None,
    osc: str | None = None,
    style: str = "bar",
    base: FeedbackConfig | None = None,
    blind: bool = False,
) -> FeedbackChoice:
    """Return what the options come to.

    Parameters
    ----------
    settings : sequence of str
        NAME=VALUE with the names of `FeedbackConfig`.
    sham : str, optional
        "random", or the folder of the session whose feedback is repeated.
    osc : str, optional
        HOST:PORT.
    base : FeedbackConfig, optional
        What holds where nothing is said.
    blind : bool
        Keep from everybody whether it is a sham; with `sham`, a coin decides. The recording says it.

    Raises
    ------
    ConfigError
        A name, value or address that is none; the message says which there are.
    SessionError
        The session to be repeated cannot be read.
    """
    values: dict[str, Any] = dict(_setting(text) for text in settings)
    if sham is not None:
        values |= {"sham": "random"} if sham == "random" else {"sham": "yoked", "yoked": _repeated(sham)}
    if blind and secrets.randbelow(2):
        values = {name: value for name, value in values.items() if name not in ("sham", "yoked")}
    if values.get("sham") == "random":
        values.setdefault("seed", secrets.randbelow(2**31))  # other times in each session; it is recorded
    looks = [one.value for one in FeedbackStyle]
    if style not in looks:
        raise ConfigError(f"--feedback-style {style} is none: choose {', '.join(looks)}")
    kept = base.model_dump() if base is not None else {}
    return FeedbackChoice(_config(kept | values), FeedbackStyle(style), _address(osc) if osc else None, blind)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    name = name.strip()
    if name == "yoked":
        raise ConfigError("--feedback-set yoked: name the session instead, --sham SESSION")
    if not equals or name not in _SETTINGS:
        raise ConfigError(
            f"--feedback-set {text} is no setting: write NAME=VALUE with one of {', '.join(_SETTINGS)}"
        )
    return name, value.strip()


def _config(values: dict[str, Any]) -> FeedbackConfig:
    try:
        return FeedbackConfig(**values)
    except ValidationError as error:
        told: dict[str, list[str]] = {}
        for e in error.errors():
            name = str(e["loc"][0]) if e["loc"] else ""
            told.setdefault(f"{name}={e['input']}: " if name else "", []).append(_plain(e["msg"]))
    raise ConfigError("--feedback-set " + "; ".join(k + " or ".join(v) for k, v in told.items()))


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should", "it should")


def _repeated(folder: str) -> tuple[tuple[float, float], ...]:
    """Return the times of a session's feedback."""
    from recordings.session.session import Session

    if not Path(folder).exists():
        raise ConfigError(f"--sham {folder} is neither “random” nor the folder of a recorded session")
    with Session(folder) as session:
        spans = from_markers(session.markers())
    if not spans:
        raise ConfigError(
            f"--sham {folder}: no feedback stands in it that could be repeated. Its recording has to begin "
            "before the baseline is over: make it with `phosphene record --feedback`"
        )
    return spans


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError(f"--osc {text} is no address: write HOST:PORT, for example 127.0.0.1:9000")
    return host.strip("[]"), int(port)
