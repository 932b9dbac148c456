"""Models in the transformers format, from a folder: the network, and how its pictures were prepared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.network.hub import fetch_folder, refuse_pointers
from models.network.vision.preparation import Preparation, read_json, read_preparation
from realtime.errors import WeightsError

_AS_IT_IS = 1 << 14  # pixels: no frame is reduced to so many


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

    def __init__(self, settings: Mapping[str, Any] | Preparation) -> None:
        super().__init__()
        made = settings if isinstance(settings, Preparation) else Preparation.parse(settings)
        self.shortest = made.resize if isinstance(made.resize, int) else None
        self.resizes, self.size = made.resize is not None, made.size
        self.filter, self.factor, self.offset = made.filter, made.factor, made.offset
        for name in ("mean", "std"):
            values = torch.tensor(getattr(made, name), dtype=torch.float32)
            self.register_buffer(name, values.view(3, 1, 1), persistent=False)

    @property
    def image_px(self) -> int:
        """Length to which the shorter side of a frame may be reduced beforehand."""
        return (self.shortest or max(self.size)) if self.resizes else _AS_IT_IS

    def forward(self, images: Sequence[Tensor]) -> Tensor:
        """Prepare frames, each (height, width, 3) uint8 RGB: (n, 3, *size) float32."""
        pixels = torch.stack([self._frame(image.permute(2, 0, 1)) for image in images])
        pixels = pixels.to(self.mean.device)
        return (pixels * self.factor - self.offset - self.mean) / self.std

    def _frame(self, image: Tensor) -> Tensor:
        """One frame (3, height, width) uint8, resized and cropped."""
        height, width = image.shape[1:]
        target = self.size
        if not self.resizes:
            return self._middle(image)
        if self.shortest is not None:  # the longer side is cut to whole pixels, as transformers does
            short, long = self.shortest, int(self.shortest * max(height, width) / min(height, width))
            target = (short, long) if height <= width else (long, short)
        if target != (height, width):
            smooth = self.filter != "nearest-exact"
            image = F.interpolate(image[None], target, mode=self.filter, antialias=smooth)[0]
        return self._middle(image)

    def _middle(self, image: Tensor) -> Tensor:
        """Cut the middle out of (3, height, width); a smaller picture gets a black border, as there."""
        missing = [max(0, size - side) for size, side in zip(self.size, image.shape[1:], strict=True)]
        if any(missing):
            top, left = ((n + 1) // 2 for n in missing)
            image = F.pad(image, (left, missing[1] - left, top, missing[0] - top))
        top, left = ((side - size) // 2 for size, side in zip(self.size, image.shape[1:], strict=True))
        return image[:, top : top + self.size[0], left : left + self.size[1]]


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
    kind = read_json(folder, "config.json").get("model_type", "")
    if not isinstance(kind, str) or kind not in classes:
        raise WeightsError(f"{folder} holds a model of type {kind!r}; {what!r} loads {', '.join(classes)}.")
    preparation = read_preparation(folder)
    refuse_pointers(folder)
    import transformers  # only here: the import takes seconds

    model_class = getattr(transformers, classes[kind])
    preprocessing = Preprocessing(preparation)
    try:
        with quiet_transformers(transformers):
            network, report = model_class.from_pretrained(
                folder, output_loading_info=True, dtype=torch.float32, local_files_only=True, **options
            )
    except Exception as error:  # its parsers raise a dozen kinds for a file that is not as they expect
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise WeightsError(
            f"{folder} cannot be loaded as {what!r} (config.json or the weights; {reason}): copy it again"
        ) from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise WeightsError(
            f"{folder} lacks {len(missing)} weights of {classes[kind]}, the first {missing[0]}: "
            f"copy the folder again, or name a whole checkpoint."
        )
    _check(network, preprocessing, folder, kind)
    return network.eval(), preprocessing


def _check(network: Any, preprocessing: Preprocessing, folder: Path, kind: str) -> None:
    """Raise `WeightsError` unless the weights are numbers, and the pictures of the size the network takes."""
    for name, value in network.state_dict().items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise WeightsError(
                f"{folder}: weight {name} holds values that are no numbers: copy the folder again"
            )
    side = getattr(network.config, "image_size", getattr(network.config, "crop_size", None))
    taken = (side, side) if isinstance(side, int) else tuple(side or preprocessing.size)
    if not kind.startswith("dino") and taken != preprocessing.size:  # DINO takes any size
        prepared = " x ".join(map(str, preprocessing.size))
        raise WeightsError(
            f"{folder} prepares pictures of {prepared}, and its network takes {' x '.join(map(str, taken))}: "
            "the two files are not of one checkpoint"
        )


@contextmanager
def quiet_transformers(transformers: Any) -> Iterator[None]:
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
