"""A command line, run in this process."""

from __future__ import annotations

import pytest

import phosphene


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs one command as a user types it; returns exit code, standard output and standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["phosphene", *map(str, arguments)])
        code = 0
        try:
            phosphene.main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run
