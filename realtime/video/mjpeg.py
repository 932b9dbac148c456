"""MJPEG over HTTP, picture by picture: what stands between pictures, and what is none, is left out.

Cameras and the programs that imitate them send `multipart/x-mixed-replace`, some with lines of text or broken
pictures in between. Each JPEG is looked for by its own marks, so none of that ends the stream.
"""

from __future__ import annotations

import http.client
import socket
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.errors import VideoError
from realtime.video.opencv import cv2

_BEGIN, _END = b"\xff\xd8\xff", b"\xff\xd9"
_AT_ONCE = 1 << 16
_LARGEST = 64 << 20  # bytes of one picture


def open_multipart(url: str, timeout_s: float) -> MjpegStream | None:
    """Open an address; None where it sends something else than pictures one after the other.

    Raises
    ------
    VideoError
        It does not answer, or gives a single picture.
    """
    try:
        response = _opener(url).open(_without_login(url), timeout=timeout_s)
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as failure:
        raise VideoError(f"{url} does not open ({_reason(failure)}): {_CHECK}") from failure
    kind = response.headers.get_content_type()
    if kind.startswith("multipart/"):
        return MjpegStream(response, url)
    response.close()
    if kind.startswith("image/"):
        raise VideoError(
            f"{url} gives one picture and ends: a snapshot, not a stream. Look in the camera's manual for "
            "the address of its MJPEG or RTSP stream"
        )
    return None


_CHECK = "check the address, the camera's power and network, and whether it wants user:password@ in the URL"


class MjpegStream:
    """Pictures from an open answer, in their order.

    Attributes
    ----------
    damaged : int
        Pictures that were begun and are not whole, and parts that hold none.
    """

    def __init__(self, response: Any, url: str):
        self._response, self._url = response, url
        boundary = response.headers.get_param("boundary") or ""
        self._boundary = b"--" + str(boundary).strip('"').removeprefix("--").encode("latin-1", "replace")
        self._buffer = bytearray()
        self.damaged = 0

    def read(self) -> NDArray[np.uint8]:
        """Wait for the next whole picture, (height, width, 3) uint8 RGB.

        Raises
        ------
        VideoError
            The stream ended, or nothing came in time.
        """
        while True:
            part = self._part()
            begin = part.find(_BEGIN)
            end = part.rfind(_END)
            if 0 <= begin < end:
                image = cv2.imdecode(np.frombuffer(part[begin : end + 2], np.uint8), cv2.IMREAD_COLOR)
                if image is not None:
                    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)
            self.damaged += bool(begin >= 0 or b"\r\n\r\n" in part)

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()

    def _part(self) -> bytes:
        """Take what stands between two boundaries; a picture is ready as soon as its own length is there."""
        while True:
            if (length := self._whole()) is not None:
                part = bytes(self._buffer[:length])
                del self._buffer[:length]
                return part
            if len(self._buffer) > _LARGEST:
                raise VideoError(f"{self._url} sends no picture within {_LARGEST >> 20} MB: is it a camera?")
            try:
                more = self._response.read1(_AT_ONCE)
            except (OSError, http.client.HTTPException) as failure:
                raise self._lost(_reason(failure)) from failure
            if not more:
                raise self._lost("the stream ended")
            self._buffer += more

    def _whole(self) -> int | None:
        """Length of the first part if it is whole: as it states itself, else up to the next boundary."""
        start = self._buffer.find(self._boundary)
        if start < 0:
            return None
        head = self._buffer.find(b"\r\n\r\n", start)
        if head >= 0:
            stated = _stated_length(bytes(self._buffer[start:head]))
            if stated is not None:
                stop = head + 4 + stated
                inside = self._buffer.find(self._boundary, head)
                if inside >= 0 and inside < stop:  # it is shorter than it says
                    return inside
                return stop if len(self._buffer) >= stop else None
        following = self._buffer.find(self._boundary, start + len(self._boundary))
        return following if following > 0 else None

    def _lost(self, reason: str) -> VideoError:
        return VideoError(
            f"{self._url} gives no frames any more ({reason}): it is tried again until it answers"
        )


def _stated_length(head: bytes) -> int | None:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
            return length if length <= _LARGEST else None
    return None


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Answer with the login in the address where a camera asks for one; never go through a proxy."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    parts = urllib.parse.urlsplit(url)
    if parts.username is not None:
        logins = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        password = urllib.parse.unquote(parts.password or "")
        logins.add_password(None, _without_login(url), urllib.parse.unquote(parts.username), password)
        handlers += [
            urllib.request.HTTPBasicAuthHandler(logins),
            urllib.request.HTTPDigestAuthHandler(logins),
        ]
    return urllib.request.build_opener(*handlers)


def _without_login(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _reason(failure: BaseException) -> str:
    inner = getattr(failure, "reason", None)
    if isinstance(failure, TimeoutError | socket.timeout) or isinstance(inner, TimeoutError):
        return "it takes the connection and sends nothing"
    if isinstance(failure, urllib.error.HTTPError):
        return f"HTTP {failure.code} {failure.reason}"
    return str(getattr(inner, "strerror", None) or inner or failure)
