"""Sends what waits before the process ends, and starts anew in a forked process."""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
import weakref
from contextlib import suppress
from types import FrameType
from typing import Protocol

from .heartbeats import forget_all

_DEADLINE = 2.0


class _Processor(Protocol):
    def _flush_before_exit(self, within: float) -> None: ...

    def _after_fork_in_parent(self) -> None: ...

    def _after_fork_in_child(self) -> None: ...


_processors: list[weakref.ref[_Processor]] = []
_is_installed = False
_forking = threading.local()


def watch_exit(processor: _Processor, *, on_sigterm: bool) -> None:
    """Flushes the processor at the end of the process and on SIGTERM, within 2 s for all processors together."""
    global _is_installed
    _processors[:] = [each for each in _processors if each() is not None]
    _processors.append(weakref.ref(processor))
    if not _is_installed:
        _is_installed = True
        atexit.register(_flush_all)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
    if on_sigterm:
        _handle_sigterm()


def _alive() -> list[_Processor]:
    return [processor for processor in (each() for each in list(_processors)) if processor is not None]


def _flush_all() -> None:
    deadline = time.monotonic() + _DEADLINE
    for processor in _alive():
        processor._flush_before_exit(max(0.0, deadline - time.monotonic()))


def _handle_sigterm() -> None:
    """Only where nobody handles the signal, and where Python allows it: in the main thread."""
    try:
        is_default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        if is_default and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _on_sigterm)
    except (ValueError, OSError, AttributeError):
        pass


def _on_sigterm(signum: int, _frame: FrameType | None) -> None:
    is_ours = signal.getsignal(signum) is _on_sigterm
    _flush_all()
    # A handler that the application installed later and that calls this one decides itself when the process ends.
    if is_ours:
        signal.signal(signum, signal.SIG_DFL)
        os.kill(os.getpid(), signum)


def _before_fork() -> None:
    """Python forgets signals that it would handle and that reach a child before it is ready. One that is blocked waits."""
    _forking.mask = None
    with suppress(ValueError, OSError, AttributeError):
        if signal.getsignal(signal.SIGTERM) is _on_sigterm:
            _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))


def _unblock() -> None:
    mask, _forking.mask = getattr(_forking, "mask", None), None
    if mask is not None:
        with suppress(ValueError, OSError):
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _after_fork_in_parent() -> None:
    _unblock()
    for processor in _alive():
        processor._after_fork_in_parent()


def _after_fork_in_child() -> None:
    forget_all()
    for processor in _alive():
        processor._after_fork_in_child()
    _unblock()
