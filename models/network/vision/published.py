"""Models in the transformers format, from a folder: the network, and how its pictures were prepared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.network.hub import fetch_folder
from realtime.errors import WeightsError

_FILTERS = {2: "bilinear", 3: "bicubic"}  # PIL's numbers, as preprocessor_config.json gives them


class Preprocessing(nn.Module):
    """Frames to the pixels a published network was trained on, by its `preprocessor_config.json`.

    On pictures equal to the processors of transformers (PIL) within 1 grey level of 255, at 1 % of the
    pixels: torch resizes integers with weights of fewer bits. A tall picture squeezed to a square may be 1
    level off at 10 %, because PIL since version 13 resizes heights first where that is cheaper, and rounds
    in between.

    Attributes
    ----------
    shortest : int or None
        Length to which the shorter side is brought; None where frames are squeezed to `size`.
    size : (int, int)
        Height and width of what comes out.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        resize = _size(settings["size"])
        cropped = settings.get("do_center_crop", False)
        self.shortest = resize if isinstance(resize, int) else None
        size = _size(settings["crop_size"]) if cropped else resize
        self.size = (size, size) if isinstance(size, int) else size
        self.filter = _FILTERS[settings.get("resample", 3)]
        self.factor = float(settings.get("rescale_factor", 1 / 255))
        self.offset = 1.0 if settings.get("offset", False) else 0.0  # ViViT: -1 to 1 before mean and std
        for name in ("mean", "std"):
            values = torch.tensor(settings[f"image_{name}"], dtype=torch.float32)
            self.register_buffer(name, values.view(3, 1, 1), persistent=False)

    @property
    def image_px(self) -> int:
        """Length to which the shorter side of a frame may be reduced beforehand."""
        return self.shortest or max(self.size)

    def forward(self, images: Sequence[Tensor]) -> Tensor:
        """Prepare frames, each (height, width, 3) uint8 RGB: (n, 3, *size) float32."""
        pixels = torch.stack([self._frame(image.permute(2, 0, 1)) for image in images])
        pixels = pixels.to(self.mean.device)
        return (pixels * self.factor - self.offset - self.mean) / self.std

    def _frame(self, image: Tensor) -> Tensor:
        """One frame (3, height, width) uint8, resized and cropped."""
        height, width = image.shape[1:]
        target = self.size
        if self.shortest is not None:  # the longer side is cut to whole pixels, as transformers does
            short, long = self.shortest, int(self.shortest * max(height, width) / min(height, width))
            target = (short, long) if height <= width else (long, short)
        if target != (height, width):
            image = F.interpolate(image[None], target, mode=self.filter, antialias=True)[0]
        top, left = (target[0] - self.size[0]) // 2, (target[1] - self.size[1]) // 2
        return image[:, top : top + self.size[0], left : left + self.size[1]]


def _size(value: Any) -> int | tuple[int, int]:
    """A size of `preprocessor_config.json`: the length of the shorter side, or (height, width)."""
    if isinstance(value, int):
        return value
    if "shortest_edge" in value:
        return int(value["shortest_edge"])
    return int(value["height"]), int(value["width"])


def load_published(
    what: str, source: str, classes: Mapping[str, str], hub_ids: Sequence[str], **options: Any
) -> tuple[Any, Preprocessing]:
    """Load a network and its preprocessing from a local folder or a hub id, in evaluation mode, float32.

    Parameters
    ----------
    what : str
        The word the user chose.
    classes : mapping of str to str
        Which `model_type` of a checkpoint is loaded by which class of transformers.
    hub_ids : sequence of str
        Where such a network is published.
    **options
        Handed to the class, for instance to leave out a head.

    Raises
    ------
    WeightsError
        If the checkpoint is nowhere to be had, is of another kind, or lacks weights or settings.
    """
    folder = fetch_folder(what, source, hub_ids)
    kind = _read_json(folder, "config.json").get("model_type", "")
    if kind not in classes:
        raise WeightsError(f"{folder} holds a model of type {kind!r}; {what!r} loads {', '.join(classes)}.")
    settings = _read_json(folder, "preprocessor_config.json")
    import transformers  # only here: the import takes seconds

    model_class = getattr(transformers, classes[kind])
    try:
        preprocessing = Preprocessing(settings)
        with _quiet(transformers):
            network, report = model_class.from_pretrained(
                folder, output_loading_info=True, dtype=torch.float32, local_files_only=True, **options
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise WeightsError(f"{folder} cannot be loaded as {what!r}: {error}") from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise WeightsError(
            f"{folder} lacks {len(missing)} weights of {classes[kind]}, the first {missing[0]}: "
            f"copy the folder anew, or name a whole checkpoint."
        )
    return network.eval(), preprocessing


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(
            f"{folder} holds no {name}: put it there, it is published beside the weights."
        ) from None
    except (OSError, ValueError) as error:
        raise WeightsError(f"{folder / name} cannot be read: {error}") from error


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """No progress bar and no report on weights that belong to the other half of a checkpoint."""
    log = transformers.utils.logging
    level, bar = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bar:
            log.enable_progress_bar()
