"""The Volcengine SDK, imported when it is first needed.

Its packages import each other in circles, so two threads that import it at once can meet a half-made module; one lock
makes them take turns.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

_lock = Lock()


def core() -> Any:
    """The module `volcenginesdkcore`, with every part that this toolkit uses. Takes 0.15 s the first time."""
    with _lock:
        import volcenginesdkcore
        import volcenginesdkcore.auth.providers
        import volcenginesdkcore.interceptor

        return volcenginesdkcore
