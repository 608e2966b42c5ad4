"""The pack `incidents`: a month to investigate, and a ground truth that agrees with every event of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from sandbox.clients import Caller
from support.servers import command, environment
from volcengine_audit import event_of
from volcengine_sandbox import Sandbox
from volcengine_sandbox.cli import main
from volcengine_sandbox.events import Event
from volcengine_sandbox.seed.incidents import Incident

NOW = 1_790_000_000.0
MINUTE, HOUR, DAY = 60, 3600, 86400
ORDINARY = 20_000
CLOCKS = [NOW + step for step in (0, 20 * HOUR + 1, 2 * DAY + 11, 3 * DAY + 15 * HOUR, 200 * DAY + 9)]
"""Other hours, weekdays and months."""


@cache
def incidents(seed: int = 1, now: float = NOW) -> Sandbox:
    """A sandbox that tests read and do not run; it takes a while to make."""
    return Sandbox(seed=seed, clock=lambda: now, pack="incidents")


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A running sandbox with the pack, at the real time, for tests that read."""
    with Sandbox(pack="incidents") as running:
        yield running


@pytest.fixture(scope="module")
def still() -> Sandbox:
    """The pack at a fixed time, not running."""
    return incidents()


@pytest.fixture(scope="module")
def log(still: Sandbox) -> dict[str, Event]:
    return {event.event_id: event for event in still.state.events}


def named(box: Sandbox, name: str) -> Incident:
    return next(incident for incident in box.incidents if incident.name == name)


def told(box: Sandbox, log: dict[str, Event], name: str) -> list[Event]:
    return [log[event_id] for event_id in named(box, name).event_ids]


def asked(event: Event) -> dict[str, Any]:
    return dict(json.loads(event.request_parameters))


def beijing(moment: int) -> time.struct_time:
    return time.gmtime(moment + 8 * HOUR)


# The same for the same seed


def facts(box: Sandbox) -> tuple[object, ...]:
    told = [(i.name, i.event_ids, i.key_event_ids, i.access_keys, i.actors, i.accounts) for i in box.incidents]
    return told, sorted(event.event_id for event in box.state.events), box.administrator.secret_key


def test_the_same_seed_gives_the_same_incidents_at_any_time() -> None:
    first = facts(incidents())
    for clock in CLOCKS:
        assert facts(incidents(now=clock)) == first
    other = facts(incidents(seed=2))
    assert not {i for _, ids, *_ in first[0] for i in ids} & {i for _, ids, *_ in other[0] for i in ids}  # type: ignore[attr-defined]


def test_reset_begins_again_with_the_same_pack() -> None:
    box = Sandbox(clock=lambda: NOW, pack="incidents")
    box.reset()
    assert facts(box) == facts(incidents())


@pytest.mark.parametrize("now", CLOCKS)
def test_all_happens_in_the_last_month(now: float) -> None:
    box = incidents(now=now)
    times = [event.time for event in box.state.events]
    assert times == sorted(times)
    assert now - 31 * DAY < times[0] < now - 28 * DAY
    assert now - HOUR < times[-1] < now
    for incident in box.incidents:
        day = named(box, incident.name)
        people = all("192.0.2." in address for address in incident.addresses)
        if incident.kind == "harmless" and people:
            assert beijing(day.first).tm_wday < 5
            assert 9 <= beijing(day.first).tm_hour < 18


def test_counts(still: Sandbox) -> None:
    own = {event_id for incident in still.incidents for event_id in incident.event_ids}
    routine = ("build-and-deploy", "load-test", "snapshot-rotation", "autoscaling", "image-release")
    claimed = {i for name in (*routine, "function-release", "terraform-apply") for i in named(still, name).event_ids}
    assert len(still.state.events) - len(own - claimed) == ORDINARY
    assert len({event.event_id for event in still.state.events}) == len(still.state.events)


def test_every_attack_has_a_twin(still: Sandbox) -> None:
    attacks = [incident for incident in still.incidents if incident.kind == "attack"]
    harmless = [incident for incident in still.incidents if incident.kind == "harmless"]
    assert (len(attacks), len(harmless)) == (10, 13)
    assert len({incident.name for incident in still.incidents}) == 23
    assert {incident.resembles for incident in harmless} == {attack.name for attack in attacks}
    assert all(re.fullmatch(r"T\d{4}(\.\d{3})?", technique) for attack in attacks for technique in attack.techniques)
    assert len({technique for attack in attacks for technique in attack.techniques}) >= 20
    for attack in attacks:
        assert attack.techniques
        assert not attack.resembles
    assert not any(incident.techniques for incident in harmless)


# The truth agrees with the events


def test_the_truth_is_what_the_audit_library_reads(still: Sandbox, log: dict[str, Event]) -> None:
    for incident in still.incidents:
        events = [log[event_id] for event_id in incident.event_ids]
        read = [event_of(event.wire()) for event in events]
        assert set(incident.actors) == {event.actor for event in read}
        assert set(incident.addresses) == {event.address for event in read}
        assert set(incident.access_keys) >= {event.identity.access_key for event in read} - {""}
        assert set(incident.accounts) >= {event.identity.account for event in read}
        assert (incident.first, incident.last) == (read[0].time, read[-1].time)
        assert [event.time for event in events] == sorted(event.time for event in events)
        assert set(incident.key_event_ids) <= set(incident.event_ids)
        assert incident.key_event_ids
        handed = re.findall(r"AK(?:LT|TP)\w{43}", " ".join(event.response_elements for event in events))
        called = {event.actor.access_key for event in events} - {""}
        assert set(incident.access_keys) == called | set(handed)


def test_a_routine_s_newest_run_is_the_twin(still: Sandbox, log: dict[str, Event]) -> None:
    for name, age in (("autoscaling", 2 * HOUR), ("build-and-deploy", 2 * HOUR), ("snapshot-rotation", 2 * DAY)):
        twin = named(still, name)
        assert NOW - age < twin.first < NOW
        first = log[twin.event_ids[0]]
        later = [event for event in log.values() if event.actor == first.actor and event.time > twin.last]
        assert not later


def test_incidents_share_no_event(still: Sandbox) -> None:
    seen = Counter(event_id for incident in still.incidents for event_id in incident.event_ids)
    assert set(seen.values()) == {1}


def test_attacks_come_from_addresses_of_their_own(still: Sandbox) -> None:
    ours: dict[str, set[str]] = defaultdict(set)
    for incident in still.incidents:
        if incident.kind == "attack":
            for address in incident.addresses:
                ours[address] |= set(incident.event_ids)
    for event in still.state.events:
        assert event.source_ip not in ours or event.event_id in ours[event.source_ip]
        assert re.match(r"192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|10\.", event.source_ip)


def test_the_api_serves_the_incidents(box: Sandbox) -> None:
    admin = Caller(box, box.administrator)
    for incident in box.incidents:
        for event_id in (incident.key_event_ids[0], incident.key_event_ids[-1]):
            body = {"LookupConditions": [{"LookupConditionKey": "EventID", "LookupConditionValue": event_id}]}
            (event,) = admin("LookupEvents", body, service="cloud_trail")["Trails"]
            assert event["SourceIPAddress"] in incident.addresses


def test_an_outsider_who_assumes_a_role_is_in_the_log_of_the_roles_account(box: Sandbox) -> None:
    attack = named(box, "trust-backdoor")
    outsider = next(actor for actor in attack.actors if "maintenance" in actor and actor.startswith("user/"))
    (org,) = box.state.organizations.values()
    assert outsider.rpartition("@")[2] not in org.members
    owner = next(actor for actor in attack.actors if "deng.hao" in actor).rpartition("@")[2]
    body = {"LookupConditions": [{"LookupConditionKey": "IdentityName", "LookupConditionValue": "maintenance"}]}
    for reader, count in ((box.administrator, 1), (box.identity_of(owner), 1), (box.member, 0)):
        found = Caller(box, reader)("LookupEvents", body, service="cloud_trail")["Trails"]
        assert [event["EventName"] for event in found] == ["AssumeRole"] * count


# What the stories are known by


def test_a_role_chain_uses_the_keys_that_it_is_handed(still: Sandbox, log: dict[str, Event]) -> None:
    for name in ("role-chain", "build-and-deploy"):
        events = told(still, log, name)
        handed = [
            re.findall(r"AKTP\w{43}", event.response_elements)[0]
            for event in events
            if event.name == "AssumeRole" and not event.error_code
        ]
        used = list(dict.fromkeys(event.actor.access_key for event in events))
        assert used[1:] == handed
        assert len(handed) == 2
        assert len({event.actor.account_id for event in events}) >= 2


def test_a_password_is_sprayed_and_a_password_is_mistyped(still: Sandbox, log: dict[str, Event]) -> None:
    events = told(still, log, "password-spray")
    failed = [event for event in events if event.error_code == "AuthenticationFailed"]
    assert (len(failed), len({event.actor.user_name for event in failed})) == (24, 12)
    assert len({event.actor.account_id for event in failed}) == 10
    rest = [event.name for event in events if not event.error_code]
    assert rest == [
        "ConsoleLogin",
        "GetSecurityConfig",
        "ListUsers",
        "SetSecurityConfig",
        "UpdateLoginProfile",
        "ConsoleLogin",
        "CreateAccessKey",
    ]
    typos = told(still, log, "password-typos")
    assert [bool(event.error_code) for event in typos[:4]] == [True] * 3 + [False]
    assert '"MFAUsed":"Yes"' in typos[3].response_elements
    usual = {event.source_ip for event in log.values() if event.actor == typos[-1].actor} - {"203.0.113.88"}
    assert usual == {typos[0].source_ip}


def test_mining_is_much_more_than_is_usual_and_elsewhere(still: Sandbox, log: dict[str, Event]) -> None:
    attack = named(still, "crypto-mining")
    started = [log[event_id] for event_id in attack.key_event_ids]
    assert [event.name for event in started] == ["RunInstances"] * 160
    assert started[-1].time - started[0].time < 10 * MINUTE
    assert {event.region for event in started} == {"cn-guangzhou"}
    rest = [event for event in log.values() if event.event_id not in attack.event_ids]
    assert not any(event.region == "cn-guangzhou" for event in rest)
    usual = Counter(e.time // DAY for e in rest if e.actor == started[0].actor and e.name == "RunInstances")
    assert set(usual.values()) == {2}
    tests = [event for event in log.values() if "/weekly-" in event.actor.trn and event.name == "RunInstances"]
    assert sorted(Counter(event.time // DAY for event in tests).values()) == [40] * 4
    assert {event.region for event in told(still, log, "load-test")[1:]} == {"cn-shanghai"}


def test_destruction_is_swift_and_rotation_is_nightly(still: Sandbox, log: dict[str, Event]) -> None:
    gone = [log[event_id] for event_id in named(still, "ransom").key_event_ids]
    assert len(gone) == 50
    assert all(event.name.startswith("Delete") for event in gone)
    assert gone[-1].time - gone[0].time <= 5 * MINUTE
    assert len({event.source for event in gone}) == 5
    rotated = [event for event in log.values() if event.actor.user_name == "backup-job"]
    nights = Counter((event.time + 8 * HOUR) // DAY for event in rotated if event.name == "DeleteSnapshot")
    assert list(nights.values()) == [50] * 30
    made = {event.resources[0].id for event in rotated if event.name == "CreateSnapshot"}
    newest = {event.resources[0].id for event in rotated if event.name == "DeleteSnapshot"}
    # All but those of the last week, and instead those that were made before the month began.
    assert len(made - newest) == len(newest - made) == 7 * 50


def test_data_goes_to_outsiders_or_stays_inside(still: Sandbox, log: dict[str, Event]) -> None:
    (org,) = still.state.organizations.values()
    shared = {
        name: set(
            next(asked(e) for e in told(still, log, name) if e.name == "ModifyImageSharePermission")["AddAccounts"]
        )
        for name in ("data-shared-out", "image-release")
    }
    assert not shared["data-shared-out"] & set(org.members)
    assert shared["image-release"] < set(org.members)
    principals = [
        asked(event)["Policy"]["Statement"][0]["Principal"]
        for name in ("data-shared-out", "image-release")
        for event in told(still, log, name)
        if event.name == "PutBucketPolicy"
    ]
    assert principals[0] == ["*"]
    assert principals[1][0].split(":")[3] in org.members


@pytest.mark.parametrize("now", CLOCKS)
def test_a_key_is_dormant_for_25_days(now: float) -> None:
    box = incidents(now=now)
    attack = named(box, "dormant-key")
    (key,) = attack.access_keys
    before = [e.time for e in box.state.events if e.actor.access_key == key and e.event_id not in attack.event_ids]
    assert len(before) > 10
    assert attack.first - max(before) > 25 * DAY


def test_the_drill_says_what_it_is(still: Sandbox, log: dict[str, Event]) -> None:
    assert all("CHG-" in event.user_agent for event in told(still, log, "announced-drill"))
    refused = [bool(event.error_code) for event in told(still, log, "dormant-key")]
    assert sum(refused) > len(refused) / 2


def test_trust_is_given_to_outsiders_or_within(still: Sandbox, log: dict[str, Event]) -> None:
    (org,) = still.state.organizations.values()
    for name, inside in (("trust-backdoor", False), ("trust-within", True)):
        events = told(still, log, name)
        change = next(event for event in events if event.name == "UpdateRole")
        (trusted,) = asked(change)["TrustPolicyDocument"]["Statement"][0]["Principal"]["IAM"]
        account = trusted.split(":")[3]
        assert (account in org.members) is inside
        assumed = next(event for event in events if event.name == "AssumeRole")
        assert assumed.actor.account_id == account
        assert assumed.time > change.time
    planted = told(still, log, "trust-backdoor")[-1]
    assert (
        json.loads(planted.response_elements)["AccessKey"]["AccessKeyId"] in named(still, "trust-backdoor").access_keys
    )


def test_a_function_is_replaced_from_afar(still: Sandbox, log: dict[str, Event]) -> None:
    attack, release = told(still, log, "function-backdoor"), told(still, log, "function-release")
    assert {"GetFunction", "UpdateFunction", "Release", "CreateTimer"} <= {event.name for event in attack}
    assert attack[0].actor == release[0].actor
    routine = [e for e in log.values() if e.name == "UpdateFunction" and e.source_ip == release[0].source_ip]
    assert len(routine) == 20
    assert {beijing(event.time).tm_hour for event in routine} == {16}


def test_the_blind_spot_is_in_the_trails(still: Sandbox, log: dict[str, Event]) -> None:
    owner = still.administrator.account_id
    kept = {name: trail for (account, name), trail in still.state.trails.items() if account == owner}
    assert list(kept) == ["org-audit-archive"]
    settings = kept["org-audit-archive"].settings
    assert (settings.event_rw, settings.event_sources) == ("Write", ["billing"])
    assert settings.include_all_event_sources is False
    opened, closed = told(still, log, "blind-spot")[-2:]
    assert (opened.name, closed.name) == ("AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress")
    assert asked(opened) == asked(closed)
    assert asked(opened)["CidrIp"] == "0.0.0.0/0"
    assert 0 < closed.time - opened.time < HOUR
    for event in told(still, log, "terraform-apply"):
        assert "0.0.0.0/0" not in event.request_parameters


def test_a_key_is_in_two_places_and_gets_what_it_was_refused(still: Sandbox, log: dict[str, Event]) -> None:
    attack = named(still, "two-places")
    events = told(still, log, "two-places")
    own = [e.time for e in log.values() if e.actor == events[0].actor and e.event_id not in attack.event_ids]
    assert min(abs(moment - attack.first) for moment in own) < 5 * MINUTE
    grant = next(index for index, event in enumerate(events) if event.name == "AttachUserPolicy")
    refused = {(event.name, event.resources[0].id) for event in events[:grant] if event.error_code}
    later = {(event.name, event.resources[0].id) for event in events[grant:] if not event.error_code}
    assert len(refused) == 2
    assert refused < later


@pytest.mark.parametrize("now", CLOCKS)
def test_a_traveller_is_not_at_the_office_too(now: float) -> None:
    box = incidents(now=now)
    trip = named(box, "business-trip")
    day = beijing(trip.first)[:3]
    calls = [e for e in box.state.events if e.actor.user_name == "li.jing" and beijing(e.time)[:3] == day]
    assert {event.event_id for event in calls} == set(trip.event_ids)


def test_a_rotated_key_works_on_from_the_same_address(still: Sandbox, log: dict[str, Event]) -> None:
    calls = [event for event in log.values() if event.actor.user_name == "billing-export"]
    assert {event.source_ip for event in calls} == {"10.20.0.9"}
    old, new = list(dict.fromkeys(event.actor.access_key for event in sorted(calls, key=lambda event: event.time)))
    assert new in named(still, "key-rotation").access_keys
    assert old not in named(still, "key-rotation").access_keys


# The background


def test_automation_has_a_rhythm(still: Sandbox) -> None:
    hours: dict[str, set[int]] = defaultdict(set)
    for event in still.state.events:
        for user, name in (
            ("autoscaler", "RunInstances"),
            ("autoscaler", "DeleteInstance"),
            ("ci-runner", "AssumeRole"),
        ):
            if event.actor.user_name == user and event.name == name:
                hours[f"{user} {name}"].add(event.time // HOUR)
        if event.actor.user_name == "metrics-reader":
            hours["monitoring"].add(event.time // HOUR)
    assert {routine: len(found) for routine, found in hours.items()} == {
        "autoscaler RunInstances": 720,
        "autoscaler DeleteInstance": 720,
        "ci-runner AssumeRole": 720,
        "monitoring": 360,
    }


def test_a_machine_is_deleted_by_the_run_after_the_one_that_made_it(still: Sandbox) -> None:
    events = [event for event in still.state.events if event.actor.user_name == "autoscaler" and event.resources]
    made = {event.resources[0].id: event.time for event in events if event.name == "RunInstances"}
    gone = {event.resources[0].id: event.time for event in events if event.name == "DeleteInstance"}
    assert len(made.keys() & gone.keys()) == 2 * 719
    assert all(gone[name] - made[name] == HOUR + 100 for name in made.keys() & gone.keys())


def test_people_work_by_day_on_workdays_and_err(still: Sandbox) -> None:
    own = {event_id for incident in still.incidents for event_id in incident.event_ids}
    people = [
        event
        for event in still.state.events
        if event.user_agent.startswith("Mozilla") and event.event_id not in own and event.actor.kind == "IAMUser"
    ]
    assert len(people) > 4_000
    assert sum(beijing(event.time).tm_wday < 5 for event in people) > 0.97 * len(people)
    assert sum(beijing(event.time).tm_wday >= 5 for event in people) > 10
    assert sum(9 <= beijing(event.time).tm_hour < 19 for event in people) > 0.8 * len(people)
    logins = [event for event in people if event.event_type == "ConsoleLogin"]
    assert {beijing(event.time).tm_hour for event in logins} == {8, 9}
    assert not any(event.actor.access_key for event in logins)
    assert len(logins) == 20 * len({event.actor.user_name for event in people})
    addresses: dict[str, set[str]] = defaultdict(set)
    for event in people:
        addresses[event.actor.user_name].add(event.source_ip)
    assert {len(found) for found in addresses.values()} == {1}
    refused = sum(event.error_code == "AccessDenied" for event in people)
    assert 0.01 * len(people) < refused < 0.04 * len(people)


def test_a_role_session_has_a_key_of_its_own_that_was_handed_out(still: Sandbox) -> None:
    events = list(still.state.events)
    handed = {key for event in events for key in re.findall(r"AKTP\w{43}", event.response_elements)}
    sessions = {(event.actor.trn, event.actor.access_key) for event in events if event.actor.kind == "AssumedRole"}
    assert len(sessions) > 1_400
    assert len({trn for trn, _ in sessions}) == len(sessions) == len({key for _, key in sessions})
    assert {key for _, key in sessions} == handed
    roles = {event.actor.principal_id.partition(":")[0] for event in events if "/DeployRole/" in event.actor.trn}
    assert len(roles) == 1


# Speed, and the default


def test_seeding_is_quick() -> None:
    started = time.process_time()
    Sandbox(pack="incidents")
    assert time.process_time() - started < 3


def test_the_default_loads_nothing_of_it() -> None:
    code = (
        "import sys, volcengine_sandbox as s; box = s.Sandbox(); assert box.incidents == (); assert box.stories;"
        "sys.exit(any('incidents' in name or name == 'tomllib' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0


def test_the_pack_replaces_the_stories_and_keeps_the_enterprise(still: Sandbox) -> None:
    default = Sandbox(clock=lambda: NOW)
    assert 4_900 < len(default.state.events) < 5_100
    assert default.administrator == still.administrator
    assert default.stories.leaked_key.event_ids
    assert not {event.event_id for event in default.state.events} & {event.event_id for event in still.state.events}
    with pytest.raises(RuntimeError, match="read `incidents` instead"):
        _ = still.stories


def test_an_unknown_pack_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="There is no pack 'none' of events: choose default or incidents"):
        Sandbox(pack="none")


# The commands


def test_the_truth_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--pack", "incidents", "--truth", "--seed", "2"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["pack"], printed["seed"]) == ("incidents", 2)
    assert abs(printed["now"] - time.time()) < MINUTE
    known = incidents(seed=2).incidents
    assert [(i["name"], tuple(i["event_ids"])) for i in printed["incidents"]] == [(i.name, i.event_ids) for i in known]
    assert {key for incident in printed["incidents"] for key in incident} == set(Incident.__slots__)


def test_a_server_s_sandbox_has_the_pack_that_is_set() -> None:
    wanted = {"LookupConditions": [{"LookupConditionKey": "EventName", "LookupConditionValue": "CreateTimer"}]}
    for variables, count in ({"VOLCENGINE_SANDBOX_PACK": "incidents"}, 1), ({"VOLCENGINE_SANDBOX_PACK": ""}, 0):
        words = ("call", "LookupEvents", json.dumps(wanted | {"StartTime": int(time.time()) - 40 * DAY}), "--sandbox")
        said = command("cloud-trail", *words, variables=environment(**variables))
        assert (said.returncode, said.stderr) == (0, "")
        assert len(json.loads(said.stdout)["Trails"]) == count


@pytest.mark.parametrize("arguments", [["--truth"], ["--pack", "none"]])
def test_arguments_that_cannot_be(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "incidents" in capsys.readouterr().err
