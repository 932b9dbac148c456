"""What makers say of their senders elsewhere than in the stream: electrodes of a fixed cap, a unit.

Most senders describe their channels themselves, and are believed. For those that do not, the facts stand
here, each with the public source it was taken from. They fill what a stream leaves open and change nothing
that it says; `--montage` and `--unit` win over them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from realtime.eeg.channels import kinds_of
from realtime.types import EegInfo


@dataclass(frozen=True)
class Maker:
    """A device that a stream may come from.

    Attributes
    ----------
    device : str
        As its users call it.
    name, type, manufacturer : str
        Patterns of the stream's name, type and of the manufacturer in its description; any of them tells.
    n_channels : tuple of int
        How many channels its streams have; () for any number.
    electrodes : tuple of str
        Of its cap, in the order of its EEG channels.
    others : tuple of str
        What follows the EEG in a stream of the whole device.
    unit : str
        Of its EEG where the stream states none.
    """

    device: str
    name: str = ""
    type: str = ""
    manufacturer: str = ""
    n_channels: tuple[int, ...] = ()
    electrodes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    unit: str = ""

    def sends(self, info: EegInfo, manufacturer: str) -> bool:
        """Say whether a stream comes from it."""
        if self.n_channels and info.n_channels not in self.n_channels:
            return False
        pairs = ((self.name, info.name), (self.type, info.type), (self.manufacturer, manufacturer))
        return any(pattern and re.match(pattern, text, re.IGNORECASE) for pattern, text in pairs)


# Electrodes: g.tec, Unicorn Hybrid Black user manual. Order of the 16 channels and their names: unicorn2lsl.c
# in github.com/robertoostenveld/unicorn2xx; its README: UnicornLSL has a 17th, the validation indicator.
UNICORN = Maker(
    "g.tec Unicorn",
    name=r"UN-\d{4}[.-]?\d\d|unicorn",
    n_channels=(8, 16, 17),
    electrodes=("Fz", "C3", "Cz", "C4", "Pz", "PO7", "Oz", "PO8"),
    others=(
        "Accelerometer X", "Accelerometer Y", "Accelerometer Z", "Gyroscope X", "Gyroscope Y", "Gyroscope Z",
        "Battery Level", "Counter", "Validation Indicator",
    ),
)  # fmt: skip
MAKERS = (
    UNICORN,
    # UnicornLSL calls the type "Data" and the stream what its user likes, the serial number at first.
    replace(UNICORN, name="", type=r"Data$", n_channels=(17,)),
    # Unit: Neuroelectrics' wiki, "What is the EEG data format produced by Enobio or Starstim?"
    Maker("Neuroelectrics", r"NIC\b|NIC2|enobio|starstim", manufacturer=r"neuroelectrics", unit="nV"),
)
_NUMBER = re.compile(r"(eeg|ch|channel)?[ _-]*\d+$", re.IGNORECASE)


def filled(info: EegInfo, manufacturer: str = "") -> EegInfo:
    """Return a stream with what its maker says of it elsewhere; as it is where that is nothing.

    `named_by` says what was filled in.
    """
    maker = next((maker for maker in MAKERS if maker.sends(info, manufacturer)), None)
    if maker is None:
        return info
    said = []
    if maker.unit and not info.unit:
        info = replace(info, unit=maker.unit)
        said.append(f"the unit {maker.unit}")
    if (named := _named(info, maker)) is not None:
        info = named
        said.append(f"the electrodes {', '.join(maker.electrodes)}")
    if said:
        words = f"{' and '.join(said)}, which the stream leaves open, are those of {maker.device}"
        info = replace(info, named_by=words)
    return info


def manufacturer_in(texts: Iterable[str | None]) -> str:
    """Return the first manufacturer that is named, of the places where a description may name one."""
    return next((text.strip() for text in texts if text and text.strip()), "")


def _named(info: EegInfo, maker: Maker) -> EegInfo | None:
    """Name the electrodes where the stream numbers them; None where it names them, or has others."""
    kinds, labels = list(kinds_of(info)), list(info.labels)
    eeg = [i for i, kind in enumerate(kinds) if kind == "eeg"]
    if not maker.electrodes or not all(_NUMBER.match(labels[i]) for i in eeg):
        return None
    n = len(maker.electrodes)
    if len(eeg) == info.n_channels > n:  # nothing is described at all
        for i in range(n, info.n_channels):
            labels[i], kinds[i] = maker.others[i - n], "misc"
        eeg = eeg[:n]
    if len(eeg) != n:
        return None
    for i, name in zip(eeg, maker.electrodes, strict=True):
        labels[i] = name
    return replace(info, labels=tuple(labels), kinds=tuple(kinds) if set(kinds) != {"eeg"} else ())
