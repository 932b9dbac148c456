"""Compiled modules: equal to eager, kept on disk, rebuilt when stale or damaged, given up in words."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.inference.backends import BACKENDS, Run, Tensors, installed
from models.inference.cache import COMPILED_HOME, Entry, prune
from models.inference.compile import Compiled, compile_module, load_module
from models.inference.engine import Engine
from models.inference.examples import StageExamples, film_pictures, picture_examples, video_pictures
from models.inference.modules import EegModule
from models.inference.on_inductor import Inductor
from models.inference.parity import EQUAL, compare
from models.inference.stages import EAGER, compile_stages
from realtime.config import GridConfig
from realtime.errors import ConfigError
from realtime.types import Interval
from tests.support.backends import Kept
from tests.support.networks import small_network
from tests.support.small_session import write_small


def signal_stack() -> int | None:
    """Where this thread handles signals, None for its own stack."""
    found = (ctypes.c_void_p * 3)()  # stack_t: start, flags, size
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(found))
    return found[0]


needs_openvino = pytest.mark.skipif(not installed("openvino"), reason="openvino is not installed")
needs_nncf = pytest.mark.skipif(not installed("nncf"), reason="nncf is not installed")
needs_compiler = pytest.mark.skipif(bool(Inductor().missing()), reason=Inductor().missing())


class Doubling(nn.Module):
    """A matrix, a mask and a switch: what a compiler may get wrong."""

    def __init__(self, width: int = 8, times: float = 2.0) -> None:
        super().__init__()
        self.linear, self.times = nn.Linear(width, width), times

    def forward(self, x: Tensor, valid: Tensor) -> Tensors:
        return torch.where(valid, self.linear(x) * self.times, 0.0), valid


def doubling(seed: int = 0, times: float = 2.0) -> Doubling:
    torch.manual_seed(seed)
    return Doubling(times=times).eval()


def inputs(seed: int = 1) -> Tensors:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(3, 8, generator=random), torch.rand(3, 8, generator=random) > 0.3


class Slow(Kept):
    def load(self, path: Path) -> Run:
        def run(*given: Tensor) -> Tensors:
            time.sleep(0.01)
            return super(Slow, self).load(path)(*given)

        return run


class Off(Kept):
    def load(self, path: Path) -> Run:
        return lambda *given: tuple(
            part + 0.1 if part.is_floating_point() else part for part in super(Off, self).load(path)(*given)
        )


class Failing(Kept):
    def build(self, *args: object) -> None:
        raise NotImplementedError("no kernel for aten.doubling\nand a long story")


class Full(Kept):
    def build(self, *args: object) -> None:
        raise OSError(28, "No space left on device")


class Unasked(Kept):
    def build(self, *args: object) -> None:
        raise AssertionError("takes no part where it is not asked for")


class Absent(Kept):
    def missing(self) -> str:
        return "run `pip install absent`"


@pytest.fixture(autouse=True)
def backends_of_this_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (Kept, Slow, Off, Failing, Full, Absent):
        monkeypatch.setitem(BACKENDS, kind.__name__.lower(), f"{kind.__module__}:{kind.__name__}")


def compiled(
    folder: Path, backend: str, told: list[str] | None = None, module: nn.Module | None = None
) -> Compiled:
    examples = [inputs(1), inputs(2)]
    progress = None if told is None else told.append
    return compile_module(
        module or doubling(), examples, backend, name="it", folder=folder, progress=progress
    )


def test_eager_is_the_module_itself(tmp_path: Path) -> None:
    result = compiled(tmp_path, "eager")
    assert (result.backend, result.precision, result.note, result.parity) == ("eager", "fp32", "", EQUAL)
    assert torch.equal(result.run(*inputs())[0], doubling()(*inputs())[0])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "backend",
    [
        pytest.param("openvino", marks=needs_openvino),
        pytest.param("inductor", marks=[needs_compiler, pytest.mark.long]),
        "kept",
    ],
)
def test_a_compiled_module_gives_what_eager_gives(tmp_path: Path, backend: str) -> None:
    result = compiled(tmp_path, backend)
    assert (result.backend, result.note) == (backend, "")
    assert result.parity.difference < 1e-5
    given, expected = result.run(*inputs(7)), doubling()(*inputs(7))
    torch.testing.assert_close(given[0], expected[0])
    assert given[1].dtype == torch.bool
    assert torch.equal(given[1], expected[1])


def test_the_second_time_it_comes_from_disk(tmp_path: Path) -> None:
    told: list[str] = []
    module = doubling()
    compiled(tmp_path, "kept", told, module)
    assert [line.split()[0] for line in told] == ["building", "built"]
    again: list[str] = []
    assert compiled(tmp_path, "kept", again, module).backend == "kept"
    assert not again


@pytest.mark.parametrize("damage", ["file cut", "file gone", "record cut", "record gone"])
def test_a_damaged_file_is_built_anew(tmp_path: Path, damage: str) -> None:
    compiled(tmp_path, "kept")
    [path], [record] = tmp_path.glob("*.kept"), tmp_path.glob("*.json")
    target = path if damage.startswith("file") else record
    if damage.endswith("cut"):
        target.write_bytes(target.read_bytes()[:-1])
    else:
        target.unlink()
    told: list[str] = []
    assert compiled(tmp_path, "kept", told).backend == "kept"
    assert len(told) == 2
    assert Entry(path, record).read() is not None


@needs_openvino
def test_a_file_of_another_network_under_the_right_name_is_found_out_and_built_anew(tmp_path: Path) -> None:
    compiled(tmp_path, "openvino", module=doubling(seed=0))
    [right] = tmp_path.glob("*.ov")
    compiled(tmp_path / "other", "openvino", module=doubling(seed=5))
    [wrong] = (tmp_path / "other").glob("*.ov")
    wrong.replace(right)
    Entry(right, right.with_suffix(".json")).write({"name": "swapped"})  # as one who meddles would
    told: list[str] = []
    result = compiled(tmp_path, "openvino", told, doubling(seed=0))
    assert (result.backend, len(told)) == ("openvino", 2)


@needs_openvino
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sigaltstack is Linux's")
def test_a_signal_finds_its_stack_after_a_network_was_compiled(tmp_path: Path) -> None:
    before = signal_stack()
    older, newer = (compiled(tmp_path, "openvino", module=doubling(seed)) for seed in (0, 1))
    assert signal_stack() == before
    del older
    assert signal_stack() == before
    del newer
    assert signal_stack() == before


@pytest.mark.parametrize("change", ["weights", "switch", "shape", "buffer"])
def test_another_network_has_another_file(tmp_path: Path, change: str) -> None:
    compiled(tmp_path, "kept")
    module = doubling(seed=1 if change == "weights" else 0, times=3.0 if change == "switch" else 2.0)
    if change == "buffer":
        module.register_buffer("more", torch.zeros(1), persistent=False)
    rows = 4 if change == "shape" else 3
    x, valid = inputs()
    example = (x[:1].repeat(rows, 1), valid[:1].repeat(rows, 1))
    compile_module(module, [example], "kept", folder=tmp_path)
    assert len(list(tmp_path.glob("*.kept"))) == 2


def test_what_differs_from_eager_is_not_used_and_says_so(tmp_path: Path) -> None:
    result = compiled(tmp_path, "off")
    assert result.backend == "eager"
    assert "it: off fp32 differs from eager by" in result.note
    assert torch.equal(result.run(*inputs())[0], doubling()(*inputs())[0])
    assert [path.suffix for path in tmp_path.iterdir()] == [".given-up"]


@pytest.mark.parametrize("backend", ["off", "failing"])
def test_what_was_given_up_is_told_again_and_not_built_again(tmp_path: Path, backend: str) -> None:
    first, again = [], []
    note = compiled(tmp_path, backend, first).note
    assert any(line.startswith("building") for line in first)
    assert compiled(tmp_path, backend, again).note == note
    assert not any(line.startswith("building") for line in again)


def test_a_full_disk_is_no_reason_to_give_up(tmp_path: Path) -> None:
    result = compiled(tmp_path, "full")
    assert "No space left" in result.note
    assert not list(tmp_path.iterdir())


def test_only_what_an_earlier_start_has_built_is_loaded(tmp_path: Path) -> None:
    module, examples = doubling(), [inputs(1), inputs(2)]
    for backend in ("kept", "auto"):
        assert load_module(module, examples, backend, folder=tmp_path) is None
        assert not list(tmp_path.glob("*.kept"))
    compile_module(module, examples, "kept", folder=tmp_path)
    found = load_module(module, examples, "kept", folder=tmp_path)
    assert found is not None
    assert found.backend == "kept"
    next(tmp_path.glob("*.kept")).write_text("damaged")
    assert load_module(module, examples, "kept", folder=tmp_path) is None


def test_a_compiler_that_fails_is_told_in_one_line(tmp_path: Path) -> None:
    result = compiled(tmp_path, "failing")
    assert result.backend == "eager"
    assert result.note == "it: failing fp32 NotImplementedError: no kernel for aten.doubling"


@pytest.mark.parametrize(
    ("backend", "precision", "words"),
    [
        ("absent", "fp32", "pip install absent"),
        ("nonsense", "fp32", "inductor"),
        ("kept", "int8", "computes in fp32"),
        ("tensorrt", "fp16", "GPU"),
    ],
)
def test_what_cannot_be_had_here_is_refused_with_what_to_do(
    tmp_path: Path, backend: str, precision: str, words: str
) -> None:
    if backend == "tensorrt" and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ConfigError, match=words):
        compile_module(doubling(), [inputs()], backend, precision, folder=tmp_path)


def test_a_machine_without_a_compiler_is_told_which_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "g++" in Inductor().missing()


def test_auto_takes_the_fastest_that_equals_eager_and_remembers_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tensorrt", "openvino", "kept", "absent"):
        monkeypatch.delitem(BACKENDS, name)
    monkeypatch.setitem(BACKENDS, "inductor", f"{__name__}:Unasked")
    told: list[str] = []
    result = compiled(tmp_path, "auto", told)
    assert (result.backend, result.note) == ("eager", "")  # the others are slow, off or fail
    assert "eager is fastest" in told[-1]
    again: list[str] = []
    assert compiled(tmp_path, "auto", again).backend == "eager"
    assert not again


def test_parity_sees_types_shapes_values_and_what_is_not_finite() -> None:
    one = torch.tensor([[1.0, 2.0]])
    assert compare([one], [one]).within("fp32")
    assert compare([one], [one + 0.02]).difference == pytest.approx(0.02 / 2.02, rel=1e-3)
    assert not compare([one * float("nan")], [one]).within("int8")
    assert not compare([one.T], [one]).within("int8")
    assert not compare([one > 1], [one > 0]).within("int8")
    assert not compare([one, one], [one]).within("int8")
    assert compare([torch.zeros(1, 2)], [torch.zeros(1, 2)]) == EQUAL
    assert compare([torch.tensor([[0.0, 1.0]])], [torch.tensor([[1.0, 0.0]])]).cosine == pytest.approx(0)


def test_the_folder_stays_within_its_limit_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    for i in range(4):
        path = tmp_path / f"{i}.kept"
        path.write_bytes(b"x" * 100)
        Entry(path, path.with_suffix(".json")).write({})
        os.utime(path, (1_000_000 + i, 1_000_000 + i))
    prune(tmp_path, limit_bytes=250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.json", "2.kept", "3.json", "3.kept"]


# ---------------------------------------------------------------- the network's stages
def interval(labels: tuple[str, ...], grid: GridConfig, index: int) -> Interval:
    random = np.random.default_rng(index)
    n = len(labels)
    eeg = random.normal(0, 20, (n, grid.n_times)).astype(np.float32)
    slots = np.arange(grid.n_slots)
    return Interval(
        index, index * 0.25, eeg, np.ones(eeg.shape, bool), np.full(n, 20, np.float32), slots, slots % 7 != 3
    )


def new_engine() -> Engine:
    return Engine(small_network(masks="own+1"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder for all engines of this file: what one test has built, the next loads."""
    folder = tmp_path_factory.mktemp("compiled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(COMPILED_HOME, str(folder))
        yield folder


def scores_of(engine: Engine, n: int = 3) -> list[tuple[float, float, np.ndarray]]:
    grid, told = engine.card.grid, []
    random = np.random.default_rng(4)
    for i in range(n):
        embeddings = {
            path: random.normal(size=(grid.n_slots // k, *engine.network.frame_shape(path))).astype(
                np.float32
            )
            for path, k in engine.card.paths.items()
        }
        scores = engine.score(interval(engine.network.labels, grid, 20 + i), embeddings)
        told.append((scores.similarity, scores.match, scores.attention.matrix))
    return told


@pytest.mark.slow
@needs_openvino
def test_a_compiled_engine_gives_the_readings_of_an_eager_one(home: Path) -> None:
    plain = new_engine().compile("eager")
    fast = new_engine().compile("openvino")
    assert (plain.card.backend, fast.card.backend, fast.notes) == (EAGER, "openvino fp32", ())
    for one, other in zip(scores_of(plain), scores_of(fast), strict=True):
        assert one[:2] == pytest.approx(other[:2], abs=1e-4)
        np.testing.assert_allclose(one[2], other[2], atol=1e-4)
    picture = film_pictures(1)
    np.testing.assert_allclose(plain.encode(picture, "fast"), fast.encode(picture, "fast"), atol=1e-4)


@needs_openvino
def test_frames_are_encoded_while_intervals_are_scored(home: Path) -> None:
    engine = new_engine().compile("openvino")
    pictures = film_pictures(2)
    expected = engine.encode(pictures, "fast")
    alone = scores_of(engine, 5)
    engine.reset()
    seen: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: seen.extend(engine.encode(pictures, "fast") for _ in range(20)))
    thread.start()
    beside = scores_of(engine, 5)
    thread.join()
    assert all(np.array_equal(each, expected) for each in seen)
    for one, other in zip(alone, beside, strict=True):
        assert one[:2] == other[:2]


@needs_openvino
def test_as_many_electrodes_as_heads_are_not_confused(tmp_path: Path) -> None:
    network = small_network(eeg={"kind": "cbramod", "layers": 1})
    layer = network.eeg_tower.encoder.network.encoder.layers[0]
    assert len(network.labels) == layer.self_attn_s.n_heads
    module, examples = EegModule(network).eval(), StageExamples(network).eeg()
    found = compile_module(module, examples, "openvino", name="eeg", folder=tmp_path)
    assert (found.backend, found.note) == ("openvino", "")


@needs_openvino
@needs_nncf
def test_int8_frames_keep_their_direction_and_the_rest_stays_fp32(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = compile_stages(small_network(masks="own+1"), "openvino-int8", film_pictures(12, (64, 48)))
    assert capsys.readouterr().out == ""  # where a command's JSON goes
    assert result.notes == ()
    assert result.parts["frames fast"].precision == "int8"
    assert 0.99 <= result.parts["frames fast"].parity.cosine < 1.0
    assert {part.precision for name, part in result.parts.items() if name != "frames fast"} == {"fp32"}
    assert result.label == "openvino int8: frames fast · openvino fp32: video, project, eeg, fuse"


def test_a_fall_back_is_told_on_the_card(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BACKENDS, "inductor", "tests.models.inference.test_compile:Off")
    engine = new_engine().compile("inductor")
    assert engine.card.backend == "eager fp32 in place of inductor"
    assert len(engine.notes) == 5  # frames, video, project, EEG, fuse
    assert all("differs from eager" in note for note in engine.notes)


def test_an_unknown_choice_names_the_legal_ones() -> None:
    with pytest.raises(ConfigError, match="openvino-int8"):
        new_engine().compile("warp")


def test_examples_hold_what_is_missing_too() -> None:
    network = small_network()
    examples = StageExamples(network)
    checks, calibration = picture_examples(network.frame_encoders["fast"], film_pictures(6, (64, 48)))
    assert (len(checks), len(calibration)) == (4, 2)
    assert not examples.eeg()[1][1].all()
    assert not examples.video()[1][-1].all()


def test_calibration_takes_pictures_spread_over_a_session(tmp_path: Path) -> None:
    pictures = video_pictures(write_small(tmp_path) / "stimulus.mkv", n=5)
    assert len(pictures) == 5
    assert all(picture.dtype == np.uint8 and picture.ndim == 3 for picture in pictures)
