"""The condition operators: which are known, and how each compares one policy value with one request value."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from volcengine_policy.condition_keys import ValueType

_NUMBER = re.compile(r"[+-]?\d{1,100}(\.\d{1,100})?", re.ASCII)


class Quantifier(StrEnum):
    """The prefixes for keys with several values, modelled on AWS; not confirmed for Volcengine."""

    NONE = ""
    ANY = "ForAnyValue:"
    ALL = "ForAllValues:"


class Comparison(StrEnum):
    """What an operator compares, its negation aside."""

    STRING = "String"
    STRING_IGNORE_CASE = "String, ignoring case"
    LIKE = "String with wildcards"
    NUMERIC = "Numeric"
    DATE = "Date"
    BOOL = "Bool"
    ADDRESS = "IpAddress"
    NULL = "Null"


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator taken apart; `confirmed` when it was seen in vendor text or in code that works with Volcengine."""

    name: str
    comparison: Comparison
    relation: str
    negated: bool
    if_exists: bool
    quantifier: Quantifier
    confirmed: bool


# Volcengine docs 6257/1134943, 6257/1134320, 6257/65059 and 6349/102133, and a published control policy; the last
# two are quoted from the vendor by others.
CONFIRMED = frozenset(
    {
        "StringEquals",
        "StringLike",
        "StringNotEqualsIfExists",
        "IpAddress",
        "DateGreaterThan",
        "DateGreaterThanEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "NotIpAddress",
    }
)

# The table of operators (Volcengine docs 6257/1134320) could not be read; the others are modelled on AWS and Alibaba.
_BASES: dict[str, tuple[Comparison, str, bool]] = {
    "StringEquals": (Comparison.STRING, "=", False),
    "StringNotEquals": (Comparison.STRING, "=", True),
    "StringEqualsIgnoreCase": (Comparison.STRING_IGNORE_CASE, "=", False),
    "StringNotEqualsIgnoreCase": (Comparison.STRING_IGNORE_CASE, "=", True),
    "StringLike": (Comparison.LIKE, "=", False),
    "StringNotLike": (Comparison.LIKE, "=", True),
    "NumericEquals": (Comparison.NUMERIC, "=", False),
    "NumericNotEquals": (Comparison.NUMERIC, "=", True),
    "NumericLessThan": (Comparison.NUMERIC, "<", False),
    "NumericLessThanEquals": (Comparison.NUMERIC, "<=", False),
    "NumericGreaterThan": (Comparison.NUMERIC, ">", False),
    "NumericGreaterThanEquals": (Comparison.NUMERIC, ">=", False),
    "DateEquals": (Comparison.DATE, "=", False),
    "DateNotEquals": (Comparison.DATE, "=", True),
    "DateLessThan": (Comparison.DATE, "<", False),
    "DateLessThanEquals": (Comparison.DATE, "<=", False),
    "DateGreaterThan": (Comparison.DATE, ">", False),
    "DateGreaterThanEquals": (Comparison.DATE, ">=", False),
    "Bool": (Comparison.BOOL, "=", False),
    "IpAddress": (Comparison.ADDRESS, "=", False),
    "NotIpAddress": (Comparison.ADDRESS, "=", True),
    "Null": (Comparison.NULL, "=", False),
}
OPERATOR_NAMES = tuple(_BASES)


def operator(name: str) -> Operator | None:
    """The operator of that exact name, or None when it is neither seen nor assumed."""
    quantifier = next((q for q in (Quantifier.ANY, Quantifier.ALL) if name.startswith(q)), Quantifier.NONE)
    base = name.removeprefix(quantifier)
    if_exists = base.endswith("IfExists")
    base = base.removesuffix("IfExists")
    if base not in _BASES or (base == "Null" and base != name):
        return None
    comparison, relation, negated = _BASES[base]
    return Operator(name, comparison, relation, negated, if_exists, quantifier, name in CONFIRMED)


def value_type(comparison: Comparison) -> ValueType | None:
    """The kind of key that a comparison is for, or None when it is for any."""
    match comparison:
        case Comparison.DATE:
            return ValueType.DATE
        case Comparison.ADDRESS:
            return ValueType.ADDRESS
        case Comparison.NULL | Comparison.BOOL | Comparison.NUMERIC:
            return None
        case _:
            return ValueType.STRING


def compare(operator: Operator, wanted: str, given: str) -> bool:
    """Whether the request's value is in the operator's relation to the policy's value, negation aside.

    For dates, numbers, booleans and addresses. Raises ValueError, with a sentence, for a value of another kind.
    """
    match operator.comparison:
        case Comparison.ADDRESS:
            return _within(given, wanted)
        case Comparison.DATE:
            left, right = date(given), date(wanted)
            return _RELATIONS[operator.relation]((left > right) - (left < right))
        case Comparison.NUMERIC:
            number, limit = _number(given), _number(wanted)
            return _RELATIONS[operator.relation]((number > limit) - (number < limit))
        case _:
            return boolean(given) == boolean(wanted)


_RELATIONS: dict[str, Callable[[int], bool]] = {
    "=": lambda order: order == 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def date(text: str) -> datetime:
    """An ISO 8601 time; both Z and an offset are enforced (seen live). Raises ValueError without a time zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is not an ISO 8601 time such as 2026-11-21T08:00:00Z') from None
    if moment.tzinfo is None:
        raise ValueError(f'"{text}" has no time zone; add Z or an offset such as +08:00')
    return moment


def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """An address or CIDR block, version 4 or 6; host bits may be set. Raises ValueError for anything else."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f'"{text}" is not an IP address or CIDR block') from None


def boolean(text: str) -> bool:
    """`true` or `false` in any case. Raises ValueError for anything else."""
    if text.lower() not in {"true", "false"}:
        raise ValueError(f'"{text}" is neither true nor false')
    return text.lower() == "true"


def _number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f'"{text}" is not a number')
    return Decimal(text)


def _within(given: str, block: str) -> bool:
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        raise ValueError(f'"{given}" is not an IP address') from None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    # An IPv4 caller behind a dual-stack socket shows up as ::ffff:a.b.c.d.
    return (mapped or address) in network(block) or address in network(block)


def check_value(operator: Operator, text: str) -> str | None:
    """What is wrong with a policy value for this operator, as a sentence, or None."""
    checks: dict[Comparison, Callable[[str], object]] = {
        Comparison.ADDRESS: network,
        Comparison.DATE: date,
        Comparison.NUMERIC: _number,
        Comparison.BOOL: boolean,
        Comparison.NULL: boolean,
    }
    check = checks.get(operator.comparison)
    if check is None:
        return None
    try:
        check(text)
    except ValueError as failure:
        return str(failure)
    return None
