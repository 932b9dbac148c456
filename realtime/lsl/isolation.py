"""An LSL that this program and its own processes share, and that nobody else on the network sees."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import uuid
from pathlib import Path

_ours: list[Path] = []  # the config that `isolate` made for this process
_hushed = False
_SESSION = "phosphene-"
_CONFIG = """\
[ports]
IPv6 = disable
[multicast]
ResolveScope = machine
AddressesOverride = {{127.0.0.1}}
[lab]
KnownPeers = {{127.0.0.1}}
SessionID = {session}
[log]
level = -3
"""


def isolate() -> Path:
    """Confine LSL to this machine and to a session of our own; returns the config's path.

    To be called before anything streams or looks for streams: liblsl reads its config once, on first use.
    The path is put in this process's environment (`LSLAPICFG`), so child processes inherit it. Where such a
    config is in force already (a parent isolated itself, or a test did), that one is kept. So is whatever
    `hush` found or made: what has looked for streams on the network cannot be confined any more.
    """
    given = Path(os.environ.get("LSLAPICFG", ""))
    if given.is_file() and f"SessionID = {_SESSION}" in given.read_text(encoding="utf-8"):
        return given
    if _hushed:
        return given
    folder = Path(tempfile.mkdtemp(prefix="phosphene-lsl-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "lsl_api.cfg"
    path.write_text(_CONFIG.format(session=_SESSION + uuid.uuid4().hex[:12]), encoding="utf-8")
    os.environ["LSLAPICFG"] = str(path)
    _ours.append(path)
    return path


def confined() -> bool:
    """Say whether `isolate` has cut this process off from the streams on the network."""
    return bool(_ours)


def hush() -> None:
    """Keep liblsl from telling every step on standard error, where nobody configured LSL otherwise.

    To be called before anything streams or looks for streams.
    """
    global _hushed
    _hushed = True
    usual = (Path("lsl_api.cfg"), Path.home() / "lsl_api" / "lsl_api.cfg", Path("/etc/lsl_api/lsl_api.cfg"))
    if "LSLAPICFG" in os.environ or any(path.is_file() for path in usual):
        return
    path = Path(tempfile.mkdtemp(prefix="phosphene-lsl-")) / "lsl_api.cfg"
    path.write_text("[log]\nlevel = -2\n", encoding="utf-8")
    os.environ["LSLAPICFG"] = str(path)
