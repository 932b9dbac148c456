"""How the house is built: who may import whom, how large a room may grow, what stands once and is reached."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.metrics import ROOMS, ROOT, classes, functions, product_files

MOST_FILES, MOST_ARGUMENTS = 16, 8


def imported_modules(path: Path, *, for_types: bool = True) -> set[str]:
    """Every module that a file names in an import; without `for_types` only those it imports when it runs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in _run(tree) if not for_types else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """What stands below a node but for what is read by type checkers alone."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")):
            yield child
            yield from _run(child)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_itself_and_the_rooms_before_it(room):
    later = [*ROOMS[ROOMS.index(room) + 1 :], "phosphene", "tests"]
    for path in sorted((ROOT / room).rglob("*.py")):
        wrong = {m for m in imported_modules(path) if m.split(".")[0] in later}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


@pytest.mark.parametrize(
    ("room", "kept_out"),
    [
        ("realtime", {"torch", "PySide6", "pyqtgraph", "transformers"}),
        ("recordings", {"torch", "PySide6", "pyqtgraph"}),
        ("models", {"PySide6", "pyqtgraph"}),
        ("experiment", {"PySide6", "pyqtgraph", "torch", "transformers"}),
    ],
)
def test_no_file_of_a_room_names_what_it_must_do_without(room, kept_out):
    for path in sorted((ROOT / room).rglob("*.py")):
        wrong = {m for m in imported_modules(path) if m.split(".")[0] in kept_out}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_the_window_does_without_torch_and_without_the_models():
    for path in sorted((ROOT / "gui").rglob("*.py")):
        wrong = {m for m in imported_modules(path) if m.split(".")[0] in {"torch", "transformers", "models"}}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_the_network_knows_nothing_of_streams_and_sessions():
    for path in sorted((ROOT / "models" / "network").rglob("*.py")):
        wrong = {m for m in imported_modules(path) if m.split(".")[0] in {"realtime", "recordings"}}
        wrong = {m for m in wrong if m.split(".")[1] not in {"errors", "config"}}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_no_file_imports_one_that_imports_it():
    files = {".".join(path.with_suffix("").parts): path for path in product_files()}
    files = {name.removesuffix(".__init__"): path for name, path in files.items()}
    arrows = {
        name: imported_modules(ROOT / path, for_types=False) & files.keys() - {name}
        for name, path in files.items()
    }
    leaves = True
    while leaves:  # what imports nothing of the rest is in no circle; what is left at the end is
        leaves = {name for name, others in arrows.items() if not others & arrows.keys()}
        arrows = {name: others for name, others in arrows.items() if name not in leaves}
    assert not arrows, f"in a circle, or above one: {sorted(arrows)}"


def test_no_room_holds_more_files_than_can_be_looked_over():
    tests = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py")]
    counts = Counter(str(path.parent) for path in (*product_files(), *tests) if path.name != "__init__.py")
    crowded = {room: n for room, n in counts.items() if n > MOST_FILES}
    assert not crowded


def test_a_class_name_stands_once():
    twice = {name: sorted(map(str, places)) for name, places in classes().items() if len(places) > 1}
    assert not twice


def test_no_function_takes_more_arguments_than_can_be_remembered():
    crowded = [str(found) for found in functions() if len(found.arguments) > MOST_ARGUMENTS]
    assert not crowded


def test_public_functions_on_arrays_state_shapes():
    on_arrays = [found for found in functions() if found.public and found.handles_arrays]
    silent = [str(found) for found in on_arrays if not found.states_shapes]
    assert not silent


def test_nothing_of_the_product_is_unreached():
    done = subprocess.run([sys.executable, "-m", "vulture"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_fresh_interpreter_with_realtime_in_it_holds_no_torch_and_no_qt():
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for room in ("realtime", "recordings")
        for path in (ROOT / room).rglob("*.py")
        if path.name != "__init__.py"
    )
    code = (
        f"import sys, importlib\nfor m in {modules!r}: importlib.import_module(m)\n"
        "print(sorted(m for m in ('torch', 'PySide6', 'pyqtgraph') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_answers_at_once_and_imports_no_heavy_library():
    code = (
        "import sys\nsys.argv = ['phosphene', '--help']\nimport phosphene\n"
        "try: phosphene.main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'cv2', 'PySide6', 'pylsl', 'scipy', 'transformers'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    before = os.times().children_user
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "replay" in done.stdout
    worked = os.times().children_user - before  # processor time: what else runs here does not count
    assert worked < 2.0  # half a second on an idle machine; the imports above are what decides
