"""A network camera on this machine: MJPEG over HTTP, each frame with its own number or any other picture."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from numpy.typing import NDArray

from realtime.video.opencv import cv2
from tests.support.pictures.numbered import numbered_frame


class HttpCamera:
    """Serves pictures at a steady rate to whoever connects; a context manager.

    Frames are numbered by the time since the start: every viewer sees the same one, as with a real camera.

    Parameters
    ----------
    fps : float
    picture : callable
        Gives the picture of a frame, RGB, from its number.

    Attributes
    ----------
    url : str
    silent : threading.Event
        While set, connections stay open and nothing is sent.
    """

    def __init__(self, fps: float = 30.0, picture: Callable[[int], NDArray[np.uint8]] = numbered_frame):
        self.fps = fps
        self.picture = picture
        self.started = time.monotonic()
        self.silent = threading.Event()
        self._generation = 0
        self._closing = threading.Event()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != "/stream":
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                camera._serve(self.wfile)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/stream"

    def __enter__(self) -> HttpCamera:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def hang_up(self) -> None:
        """End every connection, as a camera does that restarts; new ones are served."""
        self._generation += 1

    def shown_at(self, number: int) -> float:
        """When frame `number` was sent, seconds on the monotonic clock."""
        return self.started + number / self.fps

    def _serve(self, wfile) -> None:
        generation = self._generation
        number = int((time.monotonic() - self.started) * self.fps)
        while generation == self._generation:
            number += 1
            if self._closing.wait(max(0.0, self.shown_at(number) - time.monotonic())):
                return
            if self.silent.is_set():
                continue
            jpeg = cv2.imencode(".jpg", self.picture(number)[..., ::-1])[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            try:
                wfile.write(head.encode() + jpeg + b"\r\n")
            except OSError:
                return  # the viewer has gone
