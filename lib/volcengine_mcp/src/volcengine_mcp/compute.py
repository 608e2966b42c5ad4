"""Computing beside the event loop: in a worker thread, until a deadline, and stopped there.

Threat: one question that takes seconds of computing keeps everybody else waiting, and goes on when nobody waits for
its answer any more.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from threading import Lock, get_ident
from time import monotonic
from typing import Generic, TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")

SWITCH_INTERVAL = 0.001
"""Seconds after which a computing thread lets the event loop have its turn; Python's own 5 ms add up to slow pings."""


class _StoppedError(BaseException):
    """Raised inside a computation that nobody waits for any more; no `except Exception` holds it up."""


class _Work(Generic[T]):
    """A computation that can be stopped while it runs in another thread."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._lock = Lock()
        self._thread: int | None = None
        self._stopped = False

    def run(self) -> T:
        """Compute, in the calling thread."""
        with self._lock:
            if self._stopped:
                raise _StoppedError
            self._thread = get_ident()
        try:
            return self._work()
        finally:
            with self._lock:
                # The thread goes back to its pool, so an exception that is on its way must not reach what comes next.
                _raise_in(get_ident(), None)
                self._thread = None

    def stop(self) -> None:
        """Let the computation end at its next step, wherever it runs."""
        with self._lock:
            self._stopped = True
            if self._thread is not None:
                _raise_in(self._thread, _StoppedError)


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Have a thread raise an error at its next step of Python code, or take back one that it has not raised yet."""
    raised = ctypes.py_object(error) if error is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


async def compute(work: Callable[[], T], *, deadline: float, limiter: anyio.CapacityLimiter | None = None) -> T:
    """What `work` returns, computed in a worker thread.

    Args:
        deadline: on the clock of `time.monotonic`; a computation that is not over by then is stopped.
        limiter: how many computations may run at the same time.

    Raises:
        TimeoutError: the deadline is over.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    task = _Work(work)
    try:
        with anyio.fail_after(max(deadline - monotonic(), 0.0)):
            return await anyio.to_thread.run_sync(task.run, abandon_on_cancel=True, limiter=limiter)
    finally:
        task.stop()
