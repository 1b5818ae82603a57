"""Tests that Ctrl-C is raised only where a program waits for its workers, whatever it does when it is pressed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Thread, Timer

import pytest

from lossatlas.building import Interrupts, Processes, build_gallery, defer_interrupts
from lossatlas.store import Gallery
from tests.conftest import small_config


@pytest.fixture(autouse=True)
def default_handler() -> Iterator[None]:
    """Give Ctrl-C the handler of a Python program: the shell that starts the tests may let it be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_a_build_ends_after_the_step_in_which_ctrl_c_was_pressed(tmp_path: Path) -> None:
    reported: list[str] = []

    def report(run_id: str) -> None:
        press_ctrl_c()
        reported.append(run_id)

    configs = [small_config(model={"hidden": hidden}) for hidden in ([], [2], [3], [4], [5])]
    with pytest.raises(KeyboardInterrupt):
        build_gallery(Gallery(tmp_path), configs, workers=1, on_done=report)
    stored = Gallery(tmp_path).ids()
    assert len(reported) == 1
    assert [entry["id"] for entry in Gallery(tmp_path).index()["runs"]] == stored
    assert reported[0] in stored
    assert len(stored) <= 2, "nothing was computed after the part that the worker had"


def defer_while(act: Callable[[Interrupts], None]) -> None:
    with defer_interrupts() as interrupts:
        act(interrupts)


def test_ctrl_c_ends_a_wait() -> None:
    def wait(interrupts: Interrupts) -> None:
        Timer(0.2, press_ctrl_c).start()
        interrupts.wait_for_any([Future()])

    with pytest.raises(KeyboardInterrupt):
        defer_while(wait)


def test_ctrl_c_is_raised_at_the_end_of_a_block_that_does_not_wait() -> None:
    done = Future[None]()
    done.set_result(None)
    acts: list[object] = []

    def act(interrupts: Interrupts) -> None:
        acts.append([interrupts.wait_for_any([done]), interrupts.wait_for_any([])])
        press_ctrl_c()
        acts.append([interrupts.pressed])

    with pytest.raises(KeyboardInterrupt):
        defer_while(act)
    assert acts == [[{done}, set()], [True]]


def test_a_second_ctrl_c_ends_anything() -> None:
    presses = []

    def press_on(_: Interrupts) -> None:
        for number in range(1, 4):
            presses.append(number)
            press_ctrl_c()

    with pytest.raises(KeyboardInterrupt):
        defer_while(press_on)
    assert presses == [1, 2]


def test_an_error_in_the_block_is_not_replaced() -> None:
    def fail(_: Interrupts) -> None:
        press_ctrl_c()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        defer_while(fail)


def test_a_handler_that_somebody_has_set_and_other_threads_are_left_alone() -> None:
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    with defer_interrupts():
        press_ctrl_c()
    assert pressed == [signal.SIGINT]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    handlers = []

    def defer() -> None:
        with defer_interrupts():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = Thread(target=defer)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]


def test_workers_whose_thread_was_about_to_start_are_shut_down(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(Thread):
        def start(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr("lossatlas.building.processes.Thread", Interrupted)
    with pytest.raises(KeyboardInterrupt), Processes(1) as processes:
        processes.submit(abs, -1)
