"""The condition keys that are known, and what kind of value each has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

USER_NAME = "volc:UserName"
PRINCIPAL_TRN = "volc:PrincipalTrn"
CURRENT_TIME = "volc:CurrentTime"


class ValueType(StrEnum):
    """What a key's value is."""

    STRING = "string"
    DATE = "date"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class ConditionKey:
    """A known key; one that ends in `/` is followed by the key of a tag."""

    name: str
    type: ValueType


# Volcengine docs 6257/65059, 6257/1134320, 6257/1134943, 6257/1134414 and 6349/102133; volc:RequestedRegion and
# sts:ExternalId from published examples. The exact name of volc:RequestTag is inferred.
KEYS = (
    ConditionKey(CURRENT_TIME, ValueType.DATE),
    ConditionKey("volc:SourceIp", ValueType.ADDRESS),
    ConditionKey(USER_NAME, ValueType.STRING),
    ConditionKey(PRINCIPAL_TRN, ValueType.STRING),
    ConditionKey("volc:RequestedRegion", ValueType.STRING),
    ConditionKey("volc:PrincipalTag/", ValueType.STRING),
    ConditionKey("volc:ResourceTag/", ValueType.STRING),
    ConditionKey("volc:RequestTag/", ValueType.STRING),
    ConditionKey("tos:prefix", ValueType.STRING),
    ConditionKey("sts:ExternalId", ValueType.STRING),
)

PREFIXES = frozenset(key.name.partition(":")[0] for key in KEYS)


def known_key(name: str) -> ConditionKey | None:
    """The known key of that name, whatever its case."""
    folded = name.casefold()
    for key in KEYS:
        known = key.name.casefold()
        if folded == known or (known.endswith("/") and folded.startswith(known) and len(folded) > len(known)):
            return key
    return None


def spelled_as_known(name: str, key: ConditionKey) -> bool:
    """Whether the name is written as the known key is, a tag's own key aside."""
    return name.startswith(key.name)
