"""What runs on a CPU gives what eager gives, at every stage of the whole family.

`pytest -s -m long tests/models/inference/test_family_parity.py`, some minutes; how near they come is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.inference.backends import get_backend
from models.inference.compile import compile_module
from models.inference.parity import EQUAL, Parity
from tests.models.family import Case, cases, network_of, spoken, stage_of

pytestmark = pytest.mark.long
UNBUILT = {("inductor", "frames siglip2"): "InductorError"}  # its own failure (torch 2.13), told


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, list[Parity]]]:
    """What was seen of each backend; how far it was off at most is printed at the end."""
    found: dict[str, list[Parity]] = {}
    yield found
    for backend, parities in found.items():
        worst = EQUAL
        for parity in parities:
            worst = worst.worse(parity)
        print(
            f"\n{backend} fp32: {len(parities)} stages, off by {worst.difference:.1e} at most, "
            f"cosine {worst.cosine:.7f} at least"
        )


@pytest.mark.parametrize("backend", ["openvino", "inductor"])
@pytest.mark.parametrize("case", list(cases()), ids=spoken)
def test_a_stage_gives_what_eager_gives(
    backend: str,
    case: Case,
    sources: Callable[[str], str],
    seen: dict[str, list[Parity]],
    tmp_path: Path,
) -> None:
    if lack := get_backend(backend).missing():
        pytest.skip(lack)
    stage, sight, parts = case
    module, examples = stage_of(stage, network_of(sight, dict(parts), sources))
    found = compile_module(module, examples, backend, name=spoken(case), folder=tmp_path)
    if failure := UNBUILT.get((backend, spoken(case))):
        assert failure in found.note
        return
    assert found.note == ""
    assert found.parity.within("fp32")
    seen.setdefault(backend, []).append(found.parity)
