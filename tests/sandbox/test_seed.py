"""The seeded world: the same for the same seed, and what it promises is in it."""

from __future__ import annotations

import json
import re
import time
from collections import Counter

from sandbox.clients import Caller
from volcengine_sandbox import Sandbox

NOW = 1_790_000_000.0


def facts(seed: int, now: float = NOW) -> tuple[object, ...]:
    box = Sandbox(seed=seed, clock=lambda: now)
    (org,) = box.state.organizations.values()
    return (
        box.administrator.access_key,
        box.administrator.secret_key,
        list(org.units),
        [(member.account_id, member.show_name) for member in org.members.values()],
        list(org.invitations),
        box.stories.leaked_key.event_ids,
        sorted(event.event_id for event in box.state.events),
    )


def test_the_same_seed_gives_the_same_world() -> None:
    assert facts(1) == facts(1)
    assert facts(1) != facts(2)
    first, later = facts(1), facts(1, NOW + 12_345_678)
    # Invitation records and all IDs stay; only times move.
    assert first == later


def test_times_are_relative_to_the_clock() -> None:
    for moment in (NOW, NOW + 7 * 3600, NOW + 40_000):
        box = Sandbox(clock=lambda moment=moment: moment)  # type: ignore[misc]
        times = [event.time for event in box.state.events]
        assert times == sorted(times)
        assert moment - 90 * 86400 < times[0]
        assert times[-1] < moment
        assert moment - times[-1] < 86400


def test_seeding_is_quick() -> None:
    started = time.process_time()
    box = Sandbox()
    assert len(box.state.events) > 4_900
    assert time.process_time() - started < 0.5


def test_the_enterprise() -> None:
    box = Sandbox(seed=5)
    (org,) = box.state.organizations.values()
    assert (len(org.members), len(org.units), len(org.policies)) == (14, 7, 5)
    assert all(re.fullmatch(r"21\d{8}", account) for account in org.members)
    assert all(re.fullmatch(r"7\d{18}", unit) for unit in org.units)
    statuses = Counter(invitation.status_at(time.time()).name for invitation in org.invitations.values())
    assert statuses == {"PENDING": 2, "EXPIRED": 1, "REJECTED": 1}
    assert sorted(quit_.status.name for quit_ in org.quits.values()) == ["REJECTED", "REVIEWING"]
    custom = {a.policy_id for a in org.attachments if not org.policies[a.policy_id].system}
    assert len(custom) == 4
    for policy in org.policies.values():
        json.loads(policy.statement)


def test_traffic_has_a_daily_rhythm_and_documentation_addresses_only() -> None:
    events = list(Sandbox().state.events)
    people = [e for e in events if e.user_agent.startswith("Mozilla") and e.event_type == "ApiCall"]
    by_day = [e for e in people if 1 <= time.gmtime(e.time).tm_hour < 11]
    assert len(by_day) > 0.7 * len(people)
    allowed = re.compile(r"192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|10\.")
    assert all(allowed.match(event.source_ip) for event in events)
    assert len({event.actor.account_id for event in events}) >= 9
    assert {event.actor.kind for event in events} >= {"Root", "IAMUser", "AssumedRole"}
    assert len({event.event_id for event in events}) == len(events)


def test_the_stories_are_in_the_log(shared: Sandbox) -> None:
    log = {event.event_id: event for event in shared.state.events}
    leaked = [log[i] for i in shared.stories.leaked_key.event_ids]
    names = [event.name for event in leaked]
    assert names[0] == "GetCallerIdentity"
    assert names[-4:] == ["CreateUser", "CreateAccessKey", "AttachUserPolicy", "StopLogging"]
    assert sum(event.error_code == "AccessDenied" for event in leaked) == 8
    assert {event.source_ip for event in leaked} == {shared.stories.leaked_key.source_ip}
    assert {event.actor.access_key for event in leaked} == {shared.stories.leaked_key.access_key}
    assert "AdministratorAccess" in leaked[-2].request_parameters
    assert shared.stories.leaked_key.created_access_key in leaked[-3].response_elements

    logins = [log[i] for i in shared.stories.console_logins.event_ids]
    assert [bool(event.error_code) for event in logins] == [True] * 9 + [False]
    changes = [log[i] for i in shared.stories.policy_change.event_ids]
    assert [event.name for event in changes] == ["DetachServiceControlPolicy", "UpdateServiceControlPolicy"]
    assert time.gmtime(changes[0].time).tm_hour == 17  # half past one at night in Beijing
    throttled = [log[i] for i in shared.stories.throttling.event_ids]
    assert len(throttled) > 300
    assert Counter(event.error_code for event in throttled)["AccountFlowLimitExceeded"] > 300
    for story in (shared.stories.leaked_key, shared.stories.throttling):
        assert (story.start, story.end) == (log[story.event_ids[0]].time, log[story.event_ids[-1]].time)


def test_the_stories_left_traces_in_the_state(box: Sandbox, admin: Caller) -> None:
    change = box.stories.policy_change
    attached = admin("ListPoliciesForTarget", {"TargetID": change.target_id})["Policies"]
    assert change.detached_policy_id not in {policy["PolicyID"] for policy in attached}
    assert box.state.trails[box.administrator.account_id, box.stories.leaked_key.trail_name].logging is False


def test_odd_events_are_legal_answers(shared: Sandbox, admin: Caller) -> None:
    odd = shared.stories.oddities

    def get(event_id: str) -> tuple[dict[str, object], dict[str, object]]:
        body = {"LookupConditions": [{"LookupConditionKey": "EventID", "LookupConditionValue": event_id}]}
        (event,) = admin("LookupEvents", body, service="cloud_trail")["Trails"]
        return event, json.loads(event["EventDetail"])

    root, detail = get(odd.root_without_name)
    assert (root["UserName"], detail["UserIdentity"]["Type"]) == ("", "Root")  # type: ignore[index]
    assert get(odd.unknown_identity)[1]["UserIdentity"]["Type"] == "ServiceAccount"  # type: ignore[index]
    assert "\u202e" in json.dumps(get(odd.hidden_characters)[0], ensure_ascii=False)
    assert "Ignore all previous instructions" in str(get(odd.instruction_text)[0]["RelatedResources"])
    assert len(str(get(odd.long_response)[1]["ResponseElements"])) > 15_000
    assert '"***"' in str(get(odd.masked_password)[1]["RequestParameters"])
    assert "not-real" in str(get(odd.unmasked_password)[1]["RequestParameters"])
