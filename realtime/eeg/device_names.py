"""Names of a headset's electrodes as its user gave them, kept for the device from one start to the next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from realtime.config import config_folder, read_kept, write_kept
from realtime.eeg.montage import rename
from realtime.types import EegInfo

NONE = ("none",)
"""A montage that forgets what was kept, and takes the names that the stream states."""
_AGAIN = "give --montage again"


class DeviceNames:
    """Names the channels of a stream: as given, else as kept for its device, else as it states them.

    A device is known by its source id, or by its name where it has none, and by its number of channels.

    Parameters
    ----------
    given : tuple of str or None
        Entries of a montage, see `realtime.eeg.montage.rename`; they are kept. `NONE` forgets.
    """

    def __init__(self, given: tuple[str, ...] | None):
        self._given = given

    def __call__(self, info: EegInfo) -> EegInfo:
        """Return the stream with the names that are used; its `named_by` says where they come from.

        Raises
        ------
        ConfigError
            What was kept cannot be understood.
        StreamFormatError
            The names do not fit the stream.
        """
        path, device = names_file(), f"{info.source_id or info.name} | {info.n_channels} channels"
        kept = read_kept(path, _AGAIN)
        if self._given == NONE:
            if kept.pop(device, None) is not None:
                write_kept(path, kept)
            return info
        if self._given is None and not _is_montage(kept.get(device)):
            return info
        labels = tuple(kept[device]) if self._given is None else self._given
        named = rename(info, labels)
        if self._given is not None and kept.get(device) != list(labels):
            write_kept(path, {**kept, device: list(labels)})
        told = "as given, and kept" if self._given is not None else "as they were kept"
        words = f"electrodes are named {told} for {device} in {path}; --montage none forgets them"
        return replace(named, named_by=words)


def names_file() -> Path:
    """Return where names are kept."""
    return config_folder() / "electrodes.json"


def _is_montage(entry: object) -> bool:
    return isinstance(entry, list) and bool(entry) and all(isinstance(label, str) for label in entry)
