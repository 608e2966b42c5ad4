"""Whether an action only reads, told by its verb where an event does not say."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_READS: Final = re.compile(r"(?:Describe|List|Get|Query|Check|Read|Desc|Search)(?![a-z])|.*Describe")
_READS_OF: Final = {
    "tos": re.compile(r"Head"),
    "rms": re.compile(r".*Get"),
    "rtc": re.compile(r"Find"),
    "cloud_trail": re.compile(r"Lookup"),
}


@lru_cache(maxsize=4096)
def is_read(name: str, source: str) -> bool | None:
    """Whether an action only reads, by the verbs of the system policy ReadOnlyAccess; None without a name.

    A verb must end where a word ends, so that `CheckoutCart` or `ListenPort` is no read.
    """
    if not name:
        return None
    special = _READS_OF.get(source.casefold())
    return bool(_READS.match(name) or (special and special.match(name)))
