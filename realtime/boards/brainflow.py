"""Headsets behind BrainFlow (https://brainflow.org), which reads some sixty of them without a driver for LSL.

BrainFlow is imported when a board is opened: the extra `brainflow` brings it. What takes a board to LSL is in
`realtime.boards.bridge`.
"""

from __future__ import annotations

import difflib
import warnings
from typing import Any

import numpy as np
from pydantic import Field

from realtime.boards.bridge import Packages
from realtime.config import Frozen
from realtime.errors import ConfigError, StreamFormatError, StreamNotFound
from realtime.types import EegInfo

_UNIT = "microvolts"  # of all of BrainFlow's EEG channels
_BUFFER_S = 60
_NO_DEVICES = ("NO_BOARD", "PLAYBACK_FILE_BOARD", "STREAMING_BOARD")


class BoardOptions(Frozen):
    """Which board, and how to reach it.

    Attributes
    ----------
    board : str
        As BrainFlow names it, without regard to case: "cyton", "muse 2", "SYNTHETIC_BOARD", or its number.
    channels : tuple of str
        Where the electrodes are, in the board's order; what BrainFlow says of the board by default.
    serial_port, mac_address, ip_address, ip_port, serial_number
        What the board asks for (BrainFlow's "Supported Boards" tells).
    timeout_s : float
        How long it is looked for; 0 leaves that to BrainFlow.
    playback : str
        A file that BrainFlow recorded from such a board, played back in place of it.
    name, source_id : str
        Of the stream; the board's name and the way it is reached by default, so that a program that listens
        finds it again.
    """

    board: str
    channels: tuple[str, ...] = ()
    serial_port: str = ""
    mac_address: str = ""
    ip_address: str = ""
    ip_port: int = Field(default=0, ge=0, le=65535)
    serial_number: str = ""
    timeout_s: float = Field(default=0.0, ge=0)
    playback: str = ""
    name: str = ""
    source_id: str = ""


def board_names() -> list[str]:
    """Return the boards that BrainFlow knows, as `--board` takes them.

    Raises
    ------
    ConfigError
        BrainFlow is not installed.
    """
    return [_short(name) for name in _brainflow().BoardIds.__members__ if name not in _NO_DEVICES]


class BrainFlowBoard:
    """A board behind BrainFlow.

    Parameters
    ----------
    options : BoardOptions

    Raises
    ------
    ConfigError
        BrainFlow is not installed, or knows no such board.
    StreamFormatError
        The board records no EEG, or has another number of channels than are named.
    """

    def __init__(self, options: BoardOptions):
        self._shim = _brainflow()
        self.options = options
        self._id = _board_id(self._shim, options.board)
        self._description: dict[str, Any] = self._shim.BoardShim.get_board_descr(self._id)
        self._rows: list[int] = self._description.get("eeg_channels", [])
        self._board: Any = None
        self.info = self._describe()

    @property
    def ends(self) -> bool:
        """A recording that is played back ends; a board does not."""
        return bool(self.options.playback)

    def _describe(self) -> EegInfo:
        options, name = self.options, self._description["name"]
        if not self._rows:
            raise StreamFormatError(f"{name} records no EEG: choose another board")
        known = tuple(filter(None, self._description.get("eeg_names", "").split(",")))
        labels = options.channels or known or tuple(f"ch{i + 1}" for i in range(len(self._rows)))
        if len(labels) != len(self._rows):
            raise StreamFormatError(
                f"{name} has {len(self._rows)} channels, and {len(labels)} are named ({', '.join(labels)}): "
                "name each, in the board's order"
            )
        way = options.serial_port or options.mac_address or options.serial_number or options.ip_address
        source_id = options.source_id or "-".join(filter(None, ("brainflow", name, way)))
        rate = float(self._description["sampling_rate"])
        return EegInfo(options.name or name, labels, _UNIT, rate, source_id)

    def open(self) -> EegInfo:
        """Connect and let the board send.

        Raises
        ------
        ConfigError
            The board asks for something that was not given.
        StreamNotFound
            It is not there or does not answer.
        """
        options = self.options
        params = self._shim.BrainFlowInputParams()
        for name in ("serial_port", "mac_address", "ip_address", "ip_port", "serial_number"):
            setattr(params, name, getattr(options, name))
        params.timeout = round(options.timeout_s)
        board_id = self._id
        if options.playback:
            board_id = int(self._shim.BoardIds.PLAYBACK_FILE_BOARD)
            params.file, params.master_board = options.playback, self._id
        self._board = self._shim.BoardShim(board_id, params)
        try:
            self._board.prepare_session()
            self._board.start_stream(round(self.info.rate_nominal * _BUFFER_S))
        except self._shim.BrainFlowError as error:
            self.close()
            raise self._trouble(error) from error
        return self.info

    def _trouble(self, error: Any) -> ConfigError | StreamNotFound:
        name, reason = self._description["name"], str(error).split(":")[0]
        codes = self._shim.BrainFlowExitCodes
        if self.options.playback:
            return ConfigError(
                f"{self.options.playback} cannot be played back as a recording of {name} ({reason}): "
                "check the path, and that BrainFlow wrote it from such a board"
            )
        if error.exit_code == codes.INVALID_ARGUMENTS_ERROR:
            return ConfigError(
                f"{name} cannot be opened with what was given ({reason}): it needs --serial-port, "
                "--mac-address, --ip-address with --ip-port, or --serial-number; see 'Supported Boards' at "
                "https://brainflow.readthedocs.io"
            )
        if error.exit_code == codes.UNSUPPORTED_BOARD_ERROR:
            return ConfigError(f"BrainFlow does not read {name} on this system ({reason})")
        return StreamNotFound(
            f"{name} does not answer ({reason}): is it switched on and charged, near, the adapter plugged "
            "in, the port right and free, and may you open it (on Linux: the group dialout)?"
        )

    def read(self) -> Packages:
        """Return what came since the last call."""
        rows = self._board.get_board_data()
        counter = self._description.get("package_num_channel")
        return Packages(
            np.ascontiguousarray(rows[self._rows].T, np.float32),
            rows[self._description["timestamp_channel"]],
            None if counter is None else rows[counter],
        )

    def close(self) -> None:
        """End the board's session."""
        if self._board is not None and self._board.is_prepared():
            self._board.release_session()
        self._board = None


def _brainflow() -> Any:
    """BrainFlow's Python side, as one namespace."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # with its first call it imports pkg_resources, which warns
            from brainflow import board_shim

            board_shim.BoardShim.disable_board_logger()  # what went wrong is in its exceptions
    except ModuleNotFoundError as error:
        if error.name == "pkg_resources":
            raise ConfigError(
                "BrainFlow needs pkg_resources, which newer setuptools leave out: pip install 'setuptools<81'"
            ) from None
        raise ConfigError(
            "--board needs the package brainflow, which is not here: pip install 'phosphene[brainflow]'"
        ) from None
    return board_shim


def _board_id(shim: Any, wanted: str) -> int:
    names = {_short(name): int(member) for name, member in shim.BoardIds.__members__.items()
             if name not in _NO_DEVICES}  # fmt: skip
    key = _short(wanted)
    if key in names:
        return names[key]
    if wanted.strip().lstrip("-").isdigit() and int(wanted) in names.values():
        return int(wanted)
    near = difflib.get_close_matches(key, names, n=3)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    raise ConfigError(f"BrainFlow knows no board {wanted!r}. {hint}It knows {', '.join(names)}")


def _short(name: str) -> str:
    """MUSE_2_BOARD, Muse 2 and muse-2 are one: muse_2."""
    return name.strip().lower().replace(" ", "_").replace("-", "_").removesuffix("_board")
