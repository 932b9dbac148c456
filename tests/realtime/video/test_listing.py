"""Cameras by one rule on every system, none of them opened."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from realtime.video import listing
from realtime.video.listing import CameraSummary, list_cameras


def test_cameras_are_named_without_being_opened(tmp_path):
    for node, index, name in (
        ("video10", "0", "Desk"),
        ("video2", "0", "Lid"),
        ("video3", "1", "Lid"),
        ("v4l-subdev0", "0", "x"),
    ):
        (tmp_path / node).mkdir()
        (tmp_path / node / "index").write_text(index + "\n")
        (tmp_path / node / "name").write_text(name + "\n")
    assert list_cameras(tmp_path) == [
        CameraSummary(2, "Lid", "/dev/video2"),
        CameraSummary(10, "Desk", "/dev/video10"),
    ]


def test_a_system_without_cameras_has_none(tmp_path):
    assert list_cameras(tmp_path / "nothing") == []


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_elsewhere_the_backend_that_opens_them_lists_them(system, monkeypatch):
    asked = []

    def enumerate_cameras(backend: int) -> list[SimpleNamespace]:
        asked.append(backend)
        return [
            SimpleNamespace(index=1, name="Desk", path="usb#2"),
            SimpleNamespace(index=0, name="", path=None),
        ]

    package = ModuleType("cv2_enumerate_cameras")
    package.enumerate_cameras = enumerate_cameras
    monkeypatch.setitem(sys.modules, "cv2_enumerate_cameras", package)
    monkeypatch.setattr(listing, "sys", SimpleNamespace(platform=system))
    assert list_cameras() == [CameraSummary(0, "camera 0", ""), CameraSummary(1, "Desk", "usb#2")]
    assert asked == [listing.camera_backend()]


def test_where_the_package_is_not_installed_cameras_go_by_number(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2_enumerate_cameras", None)
    monkeypatch.setattr(listing, "sys", SimpleNamespace(platform="darwin"))
    assert list_cameras() == []
