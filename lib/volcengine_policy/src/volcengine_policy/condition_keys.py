"""The condition keys that are known, and what kind of value each has."""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from volcengine_policy.data import Entry, load

USER_NAME = "volc:UserName"
PRINCIPAL_TRN = "volc:PrincipalTrn"
CURRENT_TIME = "volc:CurrentTime"


class ValueType(StrEnum):
    """What a key's value is."""

    STRING = "string"
    DATE = "date"
    ADDRESS = "address"


class ConditionKey(Entry):
    """A known key; one that ends in `/` is followed by the key of a tag."""

    name: str
    type: ValueType


@cache
def condition_keys() -> tuple[ConditionKey, ...]:
    """Every known key."""
    return tuple(load("condition_keys.yaml", list[ConditionKey]))


@cache
def known_prefixes() -> frozenset[str]:
    """What known keys begin with, such as `volc`."""
    return frozenset(key.name.partition(":")[0] for key in condition_keys())


def known_key(name: str) -> ConditionKey | None:
    """The known key of that name, whatever its case."""
    folded = name.casefold()
    for key in condition_keys():
        known = key.name.casefold()
        if folded == known or (known.endswith("/") and folded.startswith(known) and len(folded) > len(known)):
            return key
    return None


def spelled_as_known(name: str, key: ConditionKey) -> bool:
    """Whether the name is written as the known key is, a tag's own key aside."""
    return name.startswith(key.name)
