"""Fields that no event has, but that follow from one: whether it is a login, what it opens, whom it lets in.

Those of `SUPPLIED` follow from other events only. Whoever knows them, such as a baseline, hands them over; nobody
does, and no rule that asks for them matches.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from volcengine_audit import lenient
from volcengine_audit.events import Event
from volcengine_audit.identity import Kind
from volcengine_audit.sigma.surroundings import Surroundings

SUPPLIED: Final = {
    "NewAddress": "the caller was seen before, but never from this address",
    "FirstUse": "the caller has been seen for a while, but never with this action",
    "AfterFailures": "the call succeeds after repeated failures of the same",
    "NewRegion": "nobody in this account was seen in this region before",
    "NewUserAgent": "the caller was seen before, but never with this client",
    "DormantKey": "the access key was not used for a long time before this call",
    "TwoPlaces": "the access key is used from two networks at the same time",
    "UnusualAmount": "one call asks for far more than this caller usually does",
    "UnusualHour": "the caller was never active at this hour of the day before",
}
"""What only other events show, by name: yes or no, and what it means."""

_NETWORK_FIELDS: Final = frozenset(
    {"cidrip", "cidr", "cidrblock", "ipv6cidrip", "ipv6cidr", "sourcecidr", "sourcecidrip", "allowlist", "ipaddress"}
)
_REFUSALS: Final = frozenset({"drop", "deny", "reject"})
_LOGIN_RESULTS: Final = frozenset({"success", "succeeded", "result", "loginresult", "consolelogin"})
_PORTS: Final = re.compile(r"(-?[0-9]{1,6})\s{0,9}[-/~]\s{0,9}(-?[0-9]{1,6})|([0-9]{1,6})")
_TELLING: Final = (
    *(
        20,
        21,
        22,
        23,
        25,
        53,
        110,
        111,
        135,
        139,
        143,
        389,
        445,
        636,
        873,
        1433,
        1521,
        2049,
        2181,
        2222,
        2375,
        2376,
        2379,
    ),
    *(3306, 3389, 4848, 5000, 5432, 5601, 5672, 5900, 5984, 5985, 5986, 6379, 6443, 7001, 8000, 8080, 8443, 8888, 9000),
    *(9092, 9200, 9300, 10250, 11211, 15672, 27017, 27018, 50070),
)
"""Ports that a range is asked about; a short range lists all of its ports."""
_SHORT_RANGE: Final = 256
_ACCOUNT: Final = re.compile(r"[0-9]{10}")
_TRN_ACCOUNT: Final = re.compile(r"trn:[^:\s]{0,64}:[^:\s]{0,64}:([0-9]{10}):", re.IGNORECASE)
_ACCOUNT_FIELDS: Final = ("account", "owner", "principal", "grantee", "tenant", "member", "permission", "payer")
_AMOUNTS: Final = frozenset(
    {"count", "amount", "mincount", "maxcount", "instancecount", "instancenumber", "number", "quantity", "replicas"}
    | {"desireinstancenumber", "desiredinstancenumber", "nodenumber", "desiredreplicas", "purchasecount"}
)
_LISTS: Final = re.compile(r"(?:ids|names|instanceid)$")


def _is_login(event: Event, around: Surroundings) -> bool:
    logins = around.logins
    if event.name.casefold() in logins.names:
        return True
    if event.type and any(part in event.type.casefold() for part in logins.types):
        return True
    # A console also records what it shows, so that a source alone says nothing about a read.
    return event.source.casefold() in logins.sources and not event.read_only


def _login_failed(event: Event, around: Surroundings) -> bool:
    return _is_login(event, around) and _result_failed(event)


def _result_failed(event: Event) -> bool:
    if event.failed:
        return True
    for record in lenient.objects(event.response):
        for name, value in record.items():
            if isinstance(value, str) and value.casefold().startswith("fail"):
                return True
            if value is False and lenient.spelling(str(name)) in _LOGIN_RESULTS:
                return True
    return isinstance(event.response, str) and event.response.casefold().startswith("fail")


def _succeeded(event: Event, around: Surroundings) -> bool:
    return not (_result_failed(event) if _is_login(event, around) else event.failed)


def _outside_networks(event: Event, around: Surroundings) -> bool:
    if not around.networks:
        return False
    try:
        host = ipaddress.ip_address(event.address)
    except ValueError:
        return False
    return not host.is_private and not any(host in network for network in around.networks)


def _opens_port(event: Event, around: Surroundings) -> list[str]:
    del around
    found: dict[str, None] = {}
    for record in lenient.objects(event.parameters):
        plain = {lenient.spelling(str(key)): value for key, value in record.items()}
        if _written(plain.get("policy")).casefold() in _REFUSALS:
            continue
        worlds = [
            text
            for key in plain
            if key in _NETWORK_FIELDS
            for leaf in lenient.leaves(plain[key])
            for text in re.split(r"[,;\s]+", _written(leaf))
            if _is_world(text)
        ]
        for world in worlds:
            for low, high in _ranges(plain):
                for port in _ports(low, high):
                    found[f"{port}/{world}"] = None
    return list(found)


def _is_world(text: str) -> bool:
    """Whether a network is wider than any that one could own: splitting 0.0.0.0/0 in two halves hides nothing."""
    if "/" not in text:
        return False
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return network.prefixlen <= (7 if network.version == 4 else 16)


def _ports(low: int, high: int) -> Iterator[str]:
    if low == high:
        yield str(low)
        return
    yield f"{low}-{high}"
    if high - low < _SHORT_RANGE:
        yield from map(str, range(low, high + 1))
    else:
        yield from (str(port) for port in _TELLING if low <= port <= high)


def _ranges(plain: Mapping[str, object]) -> Iterator[tuple[int, int]]:
    """The ranges of ports that a rule of a security group names; without any, all ports."""
    low, high = (_port(plain.get(key)) for key in ("portstart", "portend"))
    stated = _written(plain.get("portrange") or plain.get("ports") or plain.get("port"))
    if low is None and high is None and stated:
        for first, last, single in _PORTS.findall(stated):
            yield _span(int(first or single), int(last or single))
    else:
        start = -1 if low is None else low
        yield _span(start, start if high is None else high)


def _span(low: int, high: int) -> tuple[int, int]:
    """A range of ports; -1 stands for all."""
    return (0, 65535) if low < 0 or high < 0 else (low, min(max(low, high), 65535))


def _port(value: object) -> int | None:
    try:
        return int(_written(value)[:8])
    except ValueError:
        return None


def _outsiders(event: Event, around: Surroundings) -> list[str]:
    own = {event.identity.account, *around.accounts}
    if own == {""}:
        return []
    found: dict[str, None] = {}
    for name, text in _named_texts(event.parameters, "", 0):
        for account in _TRN_ACCOUNT.findall(text):
            found[account] = None
        if any(part in name for part in _ACCOUNT_FIELDS):
            for part in re.split(r"[,;\s]+", text):
                if _ACCOUNT.fullmatch(part):
                    found[part] = None
    return [account for account in found if account not in own]


def _named_texts(value: object, name: str, level: int) -> Iterator[tuple[str, str]]:
    """Every text or number with the name of the nearest field that is no number."""
    value = lenient.unwrapped(value)
    if level > lenient.DEEPEST:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            spelt = [part for part in map(lenient.spelling, str(key).split(".")) if part and not part.isdigit()]
            # The name of the field above counts too: a principal stands below `Principal`, under its kind.
            yield from _named_texts(inner, f"{name.rpartition('.')[2]}.{'.'.join(spelt)}" if spelt else name, level + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _named_texts(inner, name, level + 1)
    else:
        yield name, _written(value)


def _for_other(event: Event, around: Surroundings) -> bool:
    del around
    for record in lenient.objects(event.parameters):
        named = lenient.Fields(record).text("UserName")
        if named:
            caller = event.identity
            return caller.kind is not Kind.USER or named.casefold() != caller.name.casefold()
    return False


def _amount(event: Event, around: Surroundings) -> int:
    del around
    most = 1
    listed: dict[str, int] = {}
    for name, text in _named_texts(event.parameters, "", 0):
        last = name.rpartition(".")[2]
        if last in _AMOUNTS and text.isdecimal() and len(text) <= 9:
            most = max(most, int(text))
        elif _LISTS.search(last) and text:
            listed[name] = listed.get(name, 0) + len(text.split(","))
    return max(most, *listed.values()) if listed else most


def _allows_everyone(event: Event, around: Surroundings) -> bool:
    del around
    for record in lenient.objects(event.parameters):
        plain = {lenient.spelling(str(key)): value for key, value in record.items()}
        if _written(plain.get("effect")).casefold() == "allow" and any(
            _written(leaf).strip() in ("*", "trn:iam::*:root") for leaf in lenient.leaves(plain.get("principal"))
        ):
            return True
    return False


def _grants_everything(event: Event, around: Surroundings) -> bool:
    del around
    for record in lenient.objects(event.parameters):
        plain = {lenient.spelling(str(key)): value for key, value in record.items()}
        if _written(plain.get("effect")).casefold() != "allow" or "principal" in plain:
            continue
        actions = {_written(leaf).strip() for leaf in lenient.leaves(plain.get("action"))}
        resources = {_written(leaf).strip() for leaf in lenient.leaves(plain.get("resource"))} - {""}
        if not actions.isdisjoint({"*", "*:*"}) and (not resources or "*" in resources):
            return True
    return False


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


COMPUTED: Final[dict[str, Callable[[Event, Surroundings], object]]] = {
    "Actor": lambda event, around: event.actor,
    "Caller": lambda event, around: event.identity.kind.value,
    "IsLogin": _is_login,
    "LoginFailed": _login_failed,
    "Succeeded": _succeeded,
    "OutsideNetworks": _outside_networks,
    "OpensPort": _opens_port,
    "Outsider": _outsiders,
    "ForOther": _for_other,
    "Amount": _amount,
    "AllowsEveryone": _allows_everyone,
    "GrantsEverything": _grants_everything,
}
MEANINGS: Final = {
    "Actor": "the caller's label, such as user/alice@2100000001; the sessions of a role are one",
    "Caller": "what the caller is: root, user, role, service or unknown",
    "IsLogin": "the event is a console login (an assumption)",
    "LoginFailed": "the event is a console login that failed",
    "Succeeded": "the call succeeded; a login also by what its response says",
    "OutsideNetworks": "the address is public and in none of one's own networks",
    "OpensPort": "what the request opens to the whole internet, as port/network: 22/0.0.0.0/0, 20-30/::/0",
    "Outsider": "accounts that the request names and that are not known as one's own",
    "ForOther": "the user that the request names is not the caller",
    "Amount": "how many things the call asks for at once",
    "AllowsEveryone": "a policy in the request lets everyone in",
    "GrantsEverything": "a policy in the request allows every action on everything",
}
KNOWN: Final = frozenset(COMPUTED) | frozenset(SUPPLIED)
"""Every derived field."""
