"""The figures of the code itself: `python -m tests.support.metrics [FOLDER]` prints them as a table.

Files, functions, annotations, docstrings and names are read from the syntax trees; private reach,
complexity, positional booleans and strictness are what ruff and mypy count. `tests/test_house.py` asks the
same functions.
"""

from __future__ import annotations

import ast
import json
import re
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("realtime", "recordings", "models", "experiment", "gui", "commands")
_ARRAY = re.compile(r"\b(NDArray|\w+Array|Tensor|Indices)\b")
_SHAPE = re.compile(r"shape|\([^()]*\b[A-Za-z_]\w*(?:\s*[·*/+-]\s*\w+)*\s*,[^()]*\)|\(n\w*\)", re.IGNORECASE)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Found:
    """A function of the product and where it stands; `public` where no name on the way has an underscore."""

    path: Path
    node: Function
    method: bool
    public: bool

    @property
    def lines(self) -> int:
        return (self.node.end_lineno or 0) - self.node.lineno + 1

    @property
    def arguments(self) -> list[ast.arg]:
        spec = self.node.args
        every = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
        return every[1:] if self.method and every and every[0].arg in ("self", "cls") else every

    @property
    def annotated(self) -> bool:
        gives = self.node.returns is not None or self.node.name == "__init__"
        return gives and all(arg.annotation for arg in self.arguments)

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.node) or ""

    @property
    def handles_arrays(self) -> bool:
        """Whether an argument or what it gives back is an array."""
        notes = [arg.annotation for arg in self.arguments] + [self.node.returns]
        return any(note is not None and _ARRAY.search(ast.unparse(note)) for note in notes)

    @property
    def states_shapes(self) -> bool:
        return bool(_SHAPE.search(self.docstring))

    def __str__(self) -> str:
        return f"{self.path}:{self.node.lineno} {self.node.name}"


def product_files(root: Path = ROOT) -> list[Path]:
    """Every Python file of the product, relative to the root; rooms that are not there are left out."""
    files = [path for room in ROOMS for path in (root / room).rglob("*.py")]
    return sorted(path.relative_to(root) for path in [root / "phosphene.py", *files])


def functions(root: Path = ROOT) -> Iterator[Found]:
    """Every function and method of the product."""
    for path in product_files(root):
        yield from _within(path, _tree(root / path), public=True, in_class=False)


def classes(root: Path = ROOT) -> dict[str, list[Path]]:
    """Where each class name of the product stands."""
    places = defaultdict(list)
    for path in product_files(root):
        for node in ast.walk(_tree(root / path)):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(path)
    return dict(places)


def local_imports(root: Path = ROOT) -> int:
    """How many imports stand inside functions."""
    return sum(
        isinstance(inner, ast.Import | ast.ImportFrom)
        for found in functions(root)
        for inner in ast.walk(found.node)
    )


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _within(path: Path, node: ast.AST, *, public: bool, in_class: bool) -> Iterator[Found]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _within(path, child, public=public and child.name[0] != "_", in_class=True)
        elif isinstance(child, Function):
            yield Found(path, child, in_class, public and child.name[0] != "_")
            yield from _within(path, child, public=False, in_class=False)
        else:
            yield from _within(path, child, public=public, in_class=in_class)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.1f} % ({part} of {whole})"


def _ruff(root: Path, *options: str) -> int:
    """How many findings ruff has, whatever the project's own settings are."""
    rooms = [str(root / room) for room in (*ROOMS, "phosphene.py") if (root / room).exists()]
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--output-format",
        "json",
        *options,
        *rooms,
    ]
    return len(json.loads(subprocess.run(command, capture_output=True, text=True).stdout))


def _mypy(root: Path) -> int:
    rooms = [room for room in (*ROOMS, "phosphene.py") if (root / room).exists()]
    command = [sys.executable, "-m", "mypy", "--strict", *rooms]
    said = subprocess.run(command, cwd=root, capture_output=True, text=True).stdout
    return sum(": error:" in line for line in said.splitlines())


def table(root: Path = ROOT) -> dict[str, str]:
    """Figures by name."""
    found = list(functions(root))
    sizes = [len((root / path).read_text(encoding="utf-8").splitlines()) for path in product_files(root)]
    lengths = sorted(one.lines for one in found)
    public = [one for one in found if one.public]
    arrays = [one for one in public if one.handles_arrays]
    twice = [name for name, places in classes(root).items() if len(places) > 1]
    complexity = ("--select", "C901", "--config", "lint.mccabe.max-complexity=10")
    return {
        "files, median / max lines": f"{statistics.median(sizes):g} / {max(sizes)}",
        "functions, median / 95 % / max lines": (
            f"{statistics.median(lengths):g} / {lengths[int(0.95 * len(lengths))]} / {lengths[-1]}"
        ),
        "fully annotated": _share(sum(one.annotated for one in found), len(found)),
        "public with docstring": _share(sum(bool(one.docstring) for one in public), len(public)),
        "public array functions that state shapes": _share(
            sum(one.states_shapes for one in arrays), len(arrays)
        ),
        "private reach (SLF) / complexity > 10": (
            f"{_ruff(root, '--select', 'SLF')} / {_ruff(root, *complexity)}"
        ),
        "functions of more than 5 / 8 arguments": (
            f"{sum(len(one.arguments) > 5 for one in found)} / {sum(len(one.arguments) > 8 for one in found)}"
        ),
        "booleans by position (FBT / in calls)": (
            f"{_ruff(root, '--select', 'FBT')} / {_ruff(root, '--select', 'FBT003')}"
        ),
        "local imports": f"{local_imports(root)}",
        "class names that stand twice": f"{len(twice)}",
        "errors of mypy --strict": f"{_mypy(root)}",
    }


def main() -> None:
    """Print the table of this checkout, or of the folder that is named."""
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    for name, figure in table(root).items():
        print(f"{name:44} {figure}")


if __name__ == "__main__":
    main()
