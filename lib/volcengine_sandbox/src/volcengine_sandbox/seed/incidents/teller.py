"""The teller: performs scripts, and keeps the principals, their keys and the account IDs that the events share."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from volcengine_sandbox.clock import HOUR, rfc3339
from volcengine_sandbox.envelope import request_id
from volcengine_sandbox.events import Actor, Event, Resource
from volcengine_sandbox.gateway import MASK, event_id
from volcengine_sandbox.identity import access_key
from volcengine_sandbox.seed.incidents.script import Part, Script, Step
from volcengine_sandbox.seed.traffic import person

VERSIONS: Final = {
    "auto_scaling": "2020-01-01",
    "billing": "2022-01-01",
    "cbr": "2024-03-01",
    "cloud_trail": "2021-09-01",
    "cr": "2022-05-12",
    "kms": "2021-02-18",
    "organization": "2022-01-01",
    "rds_mysql": "2022-01-01",
    "vefaas": "2024-06-06",
    "vke": "2022-05-12",
    **dict.fromkeys(("cloudmonitor", "iam", "sts"), "2018-01-01"),
    **dict.fromkeys(("ecs", "storage_ebs", "vpc"), "2020-04-01"),
    **dict.fromkeys(("TLS", "signin", "tos"), ""),
}
READS: Final = re.compile(r"(?:Describe|List|Get(?!AuthorizationToken)|Lookup)")
MESSAGES: Final = {
    "AccessDenied": "User is not authorized to perform: {action} on resource: ",
    "AuthenticationFailed": "password mismatch",
}
KINDS: Final = {"user": "IAMUser", "role": "AssumedRole", "root": "Root"}
_WORD: Final = re.compile(r"<([\w-]+)>")


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and whether it decides what the story is."""

    event: Event
    decisive: bool


class Teller:
    """Performs scripts. It draws the same numbers whatever the clock says, so that a seed stays a seed.

    accounts: account IDs by the names that scripts use.
    now: epoch seconds.
    """

    def __init__(self, rng: random.Random, accounts: Mapping[str, str], now: float) -> None:
        self.rng, self.accounts, self.now = rng, accounts, now
        self._actors: dict[tuple[str, str], Actor] = {}
        self._roles: dict[str, str] = {}

    def perform(self, script: Script, start: int, run: int = 0) -> list[Told]:
        """The events of a script that begins at `start`, epoch seconds."""
        told = []
        for step in script.steps:
            for number in range(step.times):
                event = self._event(step, start, number, run)
                told.append(Told(event, step.decisive))
        return told

    def tell(self, time: int, actor: Actor, part: Part, action: str, region: str, **parts: object) -> Event:
        """One event. Console logins carry no key."""
        source, name = action.split(":")
        login = source == "signin"
        error = str(parts.get("error_code", ""))
        if login and not error:
            parts.setdefault("response_elements", '{"ConsoleLogin":"Success","MFAUsed":"Yes"}')
        return Event(
            time=time,
            event_id=event_id(self.rng.getrandbits(128)),
            request_id=request_id(time, self.rng),
            actor=replace(actor, access_key="") if login else actor,
            source=source,
            name=name,
            version=VERSIONS[source],
            region=region,
            read_only=bool(READS.match(name)),
            source_ip=part.address,
            user_agent=part.agent,
            error_message=MESSAGES.get(error, error and "The request cannot be fulfilled.").format(action=action),
            recipient=self.accounts[part.log] if part.log else "",
            event_type="ConsoleLogin" if login else "ApiCall",
            **parts,  # type: ignore[arg-type]
        )

    def actor(self, label: str, key: str = "") -> Actor:
        """The principal of `user/name@account`, `role/name/session@account` or `root@account`.

        A label is one principal, and a key's name one of its keys; each session of a role has a key of its own.
        """
        if (label, key) not in self._actors:
            who, _, account = label.rpartition("@")
            kind, _, name = who.partition("/")
            if key:
                self._actors[label, key] = replace(self.actor(label), access_key=access_key(self.rng))
                return self._actors[label, key]
            actor = person(self.rng, self.accounts[account], KINDS[kind], name)
            if kind == "role":
                role, _, session = name.partition("/")
                known = self._roles.setdefault(f"{role}@{account}", actor.principal_id.partition(":")[0])
                actor = replace(actor, principal_id=f"{known}:{session}")
            self._actors[label, key] = actor
        return self._actors[label, key]

    def _event(self, step: Step, start: int, number: int, run: int) -> Event:
        time = start + step.at + number * step.every
        action = step.actions[number % len(step.actions)]

        def text(template: str) -> str:
            return _WORD.sub(lambda word: self._word(word[1], number, run), template) if "<" in template else template

        labels = step.part.labels
        actor = self.actor(text(labels[number % len(labels)]), step.part.key)
        ask, answer = text(step.ask), text(step.answer)
        on = [text(resource) for resource in step.on]
        if step.give is not None:
            given = self.actor(text(step.give.labels[0]), step.give.key)
            ask, answer, resource = _grant(action, given, time)
            on.append(resource)
        parts: dict[str, object] = {"error_code": step.error, "request_parameters": ask}
        if answer:
            parts["response_elements"] = answer
        source = action.partition(":")[0]
        owner = self.accounts[step.part.log] if step.part.log else actor.account_id
        resources = tuple(Resource(source, *_halves(resource), owner) for resource in on)
        return self.tell(time, actor, step.part, action, step.region, resources=resources, **parts)

    def _word(self, word: str, number: int, run: int) -> str:
        name, _, back = word.partition("-")
        if name == "run":
            return str(run - int(back or 0))
        return f"{number + 1:03d}" if word == "n" else self.accounts[word]


def _halves(resource: str) -> tuple[str, str]:
    kind, _, name = resource.partition("/")
    return kind, name


def _grant(action: str, given: Actor, time: int) -> tuple[str, str, str]:
    """Parameters, response and resource of the call that hands a principal its key."""
    if action == "iam:CreateAccessKey":
        key = {"AccessKeyId": given.access_key, "SecretAccessKey": MASK, "Status": "active"}
        return _compact({"UserName": given.user_name}), _compact({"AccessKey": key}), f"user/{given.user_name}"
    role, _, session = given.user_name.partition("/")
    ask = {"RoleTrn": f"trn:iam::{given.account_id}:role/{role}", "RoleSessionName": session}
    credentials = {
        "AccessKeyId": given.access_key,
        "SecretAccessKey": MASK,
        "SessionToken": MASK,
        "CurrentTime": rfc3339(time),
        "ExpiredTime": rfc3339(time + HOUR),
    }
    assumed = {"AssumedRoleId": given.principal_id, "Trn": given.trn}
    return _compact(ask), _compact({"Credentials": credentials, "AssumedRoleUser": assumed}), f"role/{role}"


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
