"""How pictures were prepared for a published network, as its folder says; every entry checked.

Written by transformers as `preprocessor_config.json`, for films as `video_preprocessor_config.json`, since
version 5 also in `processor_config.json`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realtime.errors import WeightsError

FILES: dict[str, tuple[str, ...]] = {
    "preprocessor_config.json": (),
    "video_preprocessor_config.json": (),
    "processor_config.json": ("image_processor", "video_processor"),
}
"""Where it may stand, and under which entries of the file."""
_FILTERS = {0: "nearest-exact", 2: "bilinear", 3: "bicubic"}  # PIL's numbers
_NAMES = {1: "lanczos", 4: "box", 5: "hamming"}
_LARGEST_PX = 1 << 14

Size = int | tuple[int, int]


@dataclass(frozen=True)
class Preparation:
    """What is done to a picture, in this order.

    Attributes
    ----------
    resize : int, (int, int) or None
        Length to which the shorter side is brought, or height and width; None to leave it as it is.
    crop : (int, int) or None
        Height and width of the middle that is cut out.
    filter : str
        As torch calls it.
    factor, offset : float
        Grey levels are multiplied with the one, and the other is subtracted.
    mean, std : tuple of float
        Of red, green and blue.
    """

    resize: Size | None
    crop: tuple[int, int] | None
    filter: str = "bicubic"
    factor: float = 1 / 255
    offset: float = 0.0
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)

    @classmethod
    def parse(cls, settings: Mapping[str, Any], where: object = "preprocessor_config.json") -> Preparation:
        """Read an image processor's settings.

        Raises
        ------
        WeightsError
            An entry is missing or is nothing that can be done; the message names file, entry and value.
        """
        entries = _Entries(settings, where)
        size = entries.square() if "max_num_patches" in settings else None
        resize = (size or entries.size("size")) if entries.switch("do_resize", default=True) else None
        crop = entries.size("crop_size") if entries.switch("do_center_crop", default=False) else None
        if resize is None and crop is None:
            raise entries.fault("do_resize", "false without a crop leaves pictures of all sizes")
        if isinstance(resize, int) and crop is None:
            resize = (resize, resize)
        rescales, normalizes = (
            entries.switch("do_rescale", default=True),
            entries.switch("do_normalize", default=True),
        )
        return cls(
            resize,
            (crop, crop) if isinstance(crop, int) else crop,
            entries.filter(),
            entries.number("rescale_factor", 1 / 255) if rescales else 1.0,
            1.0 if rescales and entries.switch("offset", default=False) else 0.0,  # ViViT: -1 to 1
            entries.colours("image_mean") if normalizes else (0.0, 0.0, 0.0),
            entries.colours("image_std", least=1e-6) if normalizes else (1.0, 1.0, 1.0),
        )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what comes out."""
        size = self.crop if self.crop is not None else self.resize
        assert isinstance(size, tuple)
        return size


def read_preparation(folder: Path) -> Preparation:
    """Read how pictures were prepared for the network in a folder.

    Raises
    ------
    WeightsError
        The folder does not say it, or says what cannot be done.
    """
    for name, parts in FILES.items():
        if (folder / name).is_file():
            settings = read_json(folder, name)
            found = [settings[part] for part in parts if isinstance(settings.get(part), dict)]
            if parts and not found:
                called = " or ".join(map(repr, parts))
                raise WeightsError(
                    f"{folder / name} has no entry {called} that says how pictures are prepared"
                )
            return Preparation.parse(found[0] if parts else settings, folder / name)
    raise WeightsError(
        f"{folder} holds neither {' nor '.join(FILES)}: put one there, it is published beside the weights."
    )


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """Read a file of settings.

    Raises
    ------
    WeightsError
        It is not there, cannot be read, or holds something else.
    """
    path = folder / name
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(
            f"{folder} holds no {name}: put it there, it is published beside the weights."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(found, dict):
        raise WeightsError(f"{path} holds a {type(found).__name__}, not an object of settings: copy it again")
    return found


class _Entries:
    """The entries of a file, each checked as it is asked for."""

    def __init__(self, settings: Mapping[str, Any], where: object):
        self._settings, self._where = settings, where

    def fault(self, name: str, what: str) -> WeightsError:
        return WeightsError(f"{self._where}: {name} = {self._settings.get(name)!r}: {what}")

    def switch(self, name: str, default: bool) -> bool:
        value = self._settings.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.fault(name, "true or false is due")
        return value

    def number(self, name: str, default: float) -> float:
        value = self._settings.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise self.fault(name, "a number above 0 is due")
        return float(value)

    def size(self, name: str) -> Size:
        value = self._settings.get(name)
        if isinstance(value, dict) and set(value) == {"shortest_edge"}:
            return self._length(name, value["shortest_edge"])
        if isinstance(value, dict) and set(value) == {"height", "width"}:
            return self._length(name, value["height"]), self._length(name, value["width"])
        if isinstance(value, dict) or value is None:
            raise self.fault(name, "possible are a length, shortest_edge, or height and width")
        return self._length(name, value)

    def square(self) -> tuple[int, int]:
        """Largest square of no more patches than a network for all shapes takes (SigLIP 2, NaFlex)."""
        names = "max_num_patches", "patch_size"
        most, patch = (self._length(name, self._settings.get(name)) for name in names)
        return (math.isqrt(most) * patch,) * 2

    def _length(self, name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LARGEST_PX:
            raise self.fault(name, f"a whole number from 1 to {_LARGEST_PX} is due")
        return value

    def filter(self) -> str:
        value = self._settings.get("resample", 3)
        if isinstance(value, bool) or not isinstance(value, int) or value not in _FILTERS:
            called = f"{_NAMES[value]} is not here; " if isinstance(value, int) and value in _NAMES else ""
            raise self.fault("resample", f"{called}possible are 0 (nearest), 2 (bilinear), 3 (bicubic)")
        return _FILTERS[value]

    def colours(self, name: str, least: float = -math.inf) -> tuple[float, ...]:
        value = self._settings.get(name)
        values = value if isinstance(value, list | tuple) else [value] * 3
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(values) != 3 or len(numbers) != 3 or not all(least <= v < math.inf for v in numbers):
            raise self.fault(
                name, "three numbers are due, for red, green and blue" + " (above 0)" * (least > 0)
            )
        return tuple(map(float, numbers))
