"""The order of imports, and what may be left out of a start: proven in fresh interpreters."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ["realtime", "recordings", "models", "gui", "commands"]  # each may import itself and those before it


def imported_modules(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


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
    ],
)
def test_no_file_of_a_room_names_what_it_must_do_without(room, kept_out):
    for path in sorted((ROOT / room).rglob("*.py")):
        wrong = {m for m in imported_modules(path) if m.split(".")[0] in kept_out}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_the_window_reaches_torch_only_through_the_engine():
    for path in sorted((ROOT / "gui").rglob("*.py")):
        names = imported_modules(path)
        assert not {m for m in names if m.split(".")[0] in {"torch", "transformers"}}, path
        models = {m for m in names if m.split(".")[0] == "models"}
        assert models <= {"models.inference.engine"}, f"{path.relative_to(ROOT)} imports {models}"


def test_the_network_knows_nothing_of_streams_and_sessions():
    for path in sorted((ROOT / "models" / "network").rglob("*.py")):
        wrong = {m for m in imported_modules(path) if m.split(".")[0] in {"realtime", "recordings"}}
        assert wrong <= {"realtime.errors", "realtime.config"}, f"{path.relative_to(ROOT)} imports {wrong}"


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
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    took = time.monotonic() - begin
    assert done.stderr.strip() == "[]"
    assert "replay" in done.stdout
    assert took < 3.0  # half a second on an idle machine; the imports above are what decides
