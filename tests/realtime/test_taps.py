"""Taps of a stream come and go while other threads go through them."""

from __future__ import annotations

import threading

import pytest

from realtime.taps import Taps


def test_every_tap_is_given_every_item_in_the_order_they_were_attached():
    taps, heard = Taps[int](), []
    taps.attach(lambda item: heard.append(("first", item)))
    taps.attach(lambda item: heard.append(("second", item)))
    taps(1)
    taps(2)
    assert heard == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]


def test_the_same_callable_attached_twice_is_detached_once_at_a_time():
    taps, heard = Taps[int](), []
    detach = taps.attach(heard.append)
    taps.attach(heard.append)
    detach()
    detach()
    assert len(taps) == 1
    taps(5)
    assert heard == [5]


def test_a_tap_may_detach_itself_and_attach_another_while_it_is_called():
    taps, heard = Taps[int](), []

    def once(item: int) -> None:
        heard.append(("once", item))
        detach()
        taps.attach(lambda item: heard.append(("after", item)))

    detach = taps.attach(once)
    taps(1)
    taps(2)
    assert heard == [("once", 1), ("after", 2)]


def test_what_a_tap_raises_reaches_the_caller():
    taps = Taps[int]()
    taps.attach(lambda item: 1 / item)
    with pytest.raises(ZeroDivisionError):
        taps(0)


def test_while_taps_come_and_go_in_other_threads_a_lasting_one_hears_each_item_once():
    taps, lasting, newest = Taps[int](), [], [-1]
    taps.attach(lasting.append)
    ended, begun = threading.Event(), threading.Barrier(5)
    visits: list[tuple[list[int], int]] = []  # what a tap heard, and the newest item once it was detached

    def come_and_go() -> None:
        begun.wait()
        while not ended.is_set():
            heard: list[int] = []
            taps.attach(heard.append)()
            visits.append((heard, newest[0]))

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    begun.wait()
    while len(visits) < 2_000:
        newest[0] += 1
        taps(newest[0])
    ended.set()
    for thread in threads:
        thread.join()
    assert lasting == list(range(newest[0] + 1))
    assert all(item <= last for heard, last in visits for item in heard)
    assert len(taps) == 1
