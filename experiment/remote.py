"""Remote control of a recording over TCP, on this machine alone: the commands LabRecorder's users send.

    update · select all · select none · start · stop · status · marker TEXT
    filename {root:…} {participant:…} {session:…} {task:…} {run:…} {template:…}

One command a line; each is answered by a line, `OK` or `ERR` and the reason. The commands and the default
port are those of LabRecorder (github.com/labstreaminglayer/App-LabRecorder, README, "Remote Control");
`status` and `marker` are ours.
"""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from realtime.errors import ConfigError, PhospheneError

PORT = 22345
_LONGEST = 4096  # bytes of a line
_FIELD = re.compile(r"\{(\w+):([^{}]*)\}")
_ENTITIES = {"participant": "sub", "session": "ses", "task": "task", "run": "run"}
_PLACEHOLDERS = {"%p": "{sub}", "%s": "{ses}", "%b": "{task}", "%n": "{run}", "%r": "{run}"}


class Controlled(Protocol):
    """What is controlled: `experiment.recording.SessionRecording`."""

    def start(self) -> Path:
        """Begin a recording; gives its folder."""
        ...

    def stop(self) -> None:
        """End the recording, if there is one."""
        ...

    def seconds(self) -> float | None:
        """Give the seconds recorded so far; None while nothing is recorded."""
        ...

    def marker(self, text: str) -> None:
        """Record a marker now."""
        ...

    def name_next(self, entities: Mapping[str, str], root: Path | None, template: str | None) -> None:
        """Say how the folder of the next recording is called."""
        ...

    def take_all_streams(self, *, on: bool) -> None:
        """Record every stream on the network, or those that were chosen."""
        ...


class RemoteControl:
    """Listens on the loopback from `launch` to `stop`. Commands are carried out one at a time.

    Parameters
    ----------
    recording : Controlled
    port : int
        0 for any that is free; `port` says which.

    Raises
    ------
    ConfigError
        The port is taken.
    """

    failure: BaseException | None = None

    def __init__(self, recording: Controlled, port: int = PORT):
        self._recording = recording
        self._lock = threading.Lock()
        control = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while line := self.rfile.readline(_LONGEST + 1):
                    self.wfile.write(f"{control.answer(line)}\n".encode())

        try:
            self._server = _Server(("127.0.0.1", port), Handler)
        except OSError as error:
            raise ConfigError(
                f"port {port} is not free for remote control ({error}): choose another"
            ) from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="remote control", daemon=True)

    def launch(self) -> RemoteControl:
        """Begin to listen."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Listen no more; waits for a command that is being carried out."""
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            pass

    def answer(self, line: bytes) -> str:
        """Carry out one line as it came; returns the answer without its end of line."""
        if len(line) > _LONGEST:
            return f"ERR a line has {_LONGEST} bytes at most"
        try:
            words = line.decode("utf-8").strip()
        except UnicodeDecodeError:
            return "ERR this is not UTF-8"
        try:
            with self._lock:
                return self._carry_out(words)
        except PhospheneError as error:
            return f"ERR {' '.join(str(error).split())}"

    def _carry_out(self, words: str) -> str:
        verb, _, rest = words.partition(" ")
        recording, is_on = self._recording, self._recording.seconds() is not None
        simple: dict[str, Callable[[], object]] = {
            "update": lambda: None,  # streams are looked for at every start
            "select all": lambda: recording.take_all_streams(on=True),
            "select none": lambda: recording.take_all_streams(on=False),
            "start": lambda: None if is_on else recording.start(),
            "stop": recording.stop,
        }
        if words in simple:
            simple[words]()
        elif verb == "filename":
            recording.name_next(*_named(rest))
        elif verb == "marker" and rest.strip():
            recording.marker(rest.strip())
        elif words == "status":
            return f"OK {json.dumps({'recording': is_on, 'seconds': recording.seconds()})}"
        else:
            known = ", ".join((*simple, "filename {…}", "marker TEXT", "status"))
            return f"ERR {json.dumps(words[:80])} is no command; there are: {known}"
        return "OK"


def _named(fields: str) -> tuple[dict[str, str], Path | None, str | None]:
    """Read `{task:rest} {participant:P1} …`: entities, root and template of the folder's name."""
    found: dict[str, Any] = dict(_FIELD.findall(fields))
    if _FIELD.sub("", fields).strip() or not found:
        raise ConfigError(f"filename takes fields such as {{task:rest}}, not {fields[:80]!r}")
    root, template = found.pop("root", None), found.pop("template", None)
    entities = {_ENTITIES[name]: value for name, value in found.items() if name in _ENTITIES}
    if template is not None:
        for theirs, ours in _PLACEHOLDERS.items():
            template = template.replace(theirs, ours)
        template = template.removesuffix(".xdf")
        if "%" in template:
            raise ConfigError(
                f"the template {template!r} has a placeholder that is not {' '.join(_PLACEHOLDERS)}"
            )
    return entities, Path(root) if root else None, template


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
