"""What stands between this machine and the network on its NVIDIA GPU, in the order in which it is put right.

Quick to import: torch is asked only where there is a card and a torch that could use it.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

_NVIDIA, _DISPLAYS = "0x10de", "0x03"  # PCI's numbers for the maker, and for the class of display controllers
DRIVER = "install NVIDIA's driver (Ubuntu: `sudo ubuntu-drivers install`), then restart"
TORCH = "pip install --force-reinstall 'torch>=2.13,<2.14' --index-url https://download.pytorch.org/whl/cu130"
NEEDS_CUDA = ("GPU", "GPU: torch")  # the steps of each backend
NEEDS_TENSORRT = (*NEEDS_CUDA, "GPU: TensorRT")
TENSORRT = "pip install 'phosphene[tensorrt]' --extra-index-url https://pypi.nvidia.com"


class Step(NamedTuple):
    """One thing the GPU needs. `advice` is the command that brings it, empty where it is there."""

    name: str
    seen: str
    advice: str = ""


class Card(NamedTuple):
    """An NVIDIA GPU as the system tells of it, whatever torch can do.

    Attributes
    ----------
    name : str
        Empty where there is none.
    driven : bool
        Whether NVIDIA's driver runs it.
    """

    name: str
    driven: bool


@cache
def find_card(root: Path = Path("/")) -> Card:
    """Look for an NVIDIA GPU: ask the driver, else the PCI bus, as Linux tells of both below `root`."""
    for told in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        model = re.search(r"Model:\s*(.+)", told.read_text(encoding="utf-8", errors="replace"))
        return Card(model.group(1).strip() if model else "NVIDIA GPU", driven=True)
    if name := _told_by_driver():
        return Card(name, driven=True)
    for vendor in sorted((root / "sys/bus/pci/devices").glob("*/vendor")):
        kind = vendor.with_name("class")
        if vendor.read_text().strip() == _NVIDIA and kind.read_text().startswith(_DISPLAYS):
            return Card("NVIDIA GPU", driven=False)
    return Card("", driven=False)


def _told_by_driver() -> str:
    """Return what `nvidia-smi` calls the first GPU; empty where it is not there or sees none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.partition("\n")[0].strip() if done.returncode == 0 else ""


def torch_cuda() -> str:
    """Return the CUDA the installed torch was built for, empty for one for CPUs. Torch is not imported."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return ""
    text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    found = re.search(r"^cuda\b[^=]*=\s*['\"]([^'\"]+)['\"]", text, re.MULTILINE)
    return found.group(1) if found else ""


def torch_sees_card() -> bool:
    """Whether torch can use a GPU; imports torch."""
    import torch

    return torch.cuda.is_available()


def gpu_steps(
    card: Card, built_for: str, sees: Callable[[], bool], installed: Callable[[str], bool]
) -> list[Step]:
    """Say what the network on the GPU needs, each with what is seen of it, the first to do first.

    Parameters
    ----------
    card : Card
    built_for : str
        As `torch_cuda` tells.
    sees : callable
        `torch_sees_card`; asked where all before it is there.
    installed : callable
        Whether a package is there.
    """
    if not card.name:
        return [Step("GPU", "no NVIDIA GPU: the network runs on the processor")]
    driver = Step("GPU", card.name) if card.driven else Step("GPU", f"{card.name} without a driver", DRIVER)
    steps = [driver]
    torch = f"torch {_version('torch')}"
    if not built_for:
        steps.append(Step("GPU: torch", f"{torch} is built for processors alone", TORCH))
    elif card.driven and not sees():
        wants = f"update NVIDIA's driver: this torch wants one for CUDA {built_for}"
        steps.append(Step("GPU: torch", f"{torch}, CUDA {built_for}, sees no GPU", wants))
    else:
        steps.append(Step("GPU: torch", f"{torch}, CUDA {built_for}: --backend cuda"))
    missing = [name for name in ("torch_tensorrt", "tensorrt") if not installed(name)]
    seen = f"{' and '.join(missing)} not installed" if missing else "torch-tensorrt: --backend tensorrt"
    return [*steps, Step("GPU: TensorRT", seen, TENSORRT if missing else "")]


def this_machine() -> list[Step]:
    """Give the steps of this machine."""
    return gpu_steps(find_card(), torch_cuda(), torch_sees_card, _installed)


def lacking(*names: str) -> str:
    """Say what of these steps this machine lacks, the first to do first; empty where all is there."""
    steps = this_machine()
    if len(steps) == 1:
        return "it needs an NVIDIA GPU, and this machine shows none"
    missing = [step for step in steps if step.name in names and step.advice]
    return "; then ".join(f"{step.seen}: {step.advice}" for step in missing)


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"
