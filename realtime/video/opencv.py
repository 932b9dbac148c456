"""OpenCV, imported in one place so that it leaves no trace in Qt's environment.

The wheel of opencv-python points QT_QPA_PLATFORM_PLUGIN_PATH and QT_QPA_FONTDIR at the Qt 5 it carries, and
a Qt 6 application that starts afterwards may load those plugins and abort (opencv-python#736). Both
variables are put back as they were; every module takes `cv2` from here.
"""

from __future__ import annotations

import os

_QT_VARIABLES = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")
_before = {name: os.environ.get(name) for name in _QT_VARIABLES}

import cv2  # noqa: E402  the variables have to be read first

for _name, _value in _before.items():
    if _value is None:
        os.environ.pop(_name, None)
    else:
        os.environ[_name] = _value

# A camera that does not open is told in our own words; OpenCV would add three lines of its own to stderr.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

__all__ = ["cv2"]
