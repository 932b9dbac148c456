"""What tests of commands share: a command line run in this process, and a small session."""

from __future__ import annotations

import pytest

import phosphene
from tests.support.small_session import write_small


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs one command line in this process; returns exit code, standard output and standard error."""

    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["phosphene", *map(str, arguments)])
        code = 0
        try:
            phosphene.main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return command


@pytest.fixture(scope="package")
def session(tmp_path_factory):
    """Eight seconds of three channels and a video that counts its frames."""
    return write_small(tmp_path_factory.mktemp("sessions") / "small", seconds=8.0)
