"""Whether a statement applies to a request: its actions, its resources and its conditions together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from volcengine_policy.assumptions import Assumptions
from volcengine_policy.catalogue import honours_not
from volcengine_policy.conditions import Context, holds, substitute
from volcengine_policy.document import Form, Statement, Value, Values
from volcengine_policy.kinds import CauseKind
from volcengine_policy.matching import glob, match_action, matches, variables
from volcengine_policy.operators import operator
from volcengine_policy.trn import Trn, parse_trn
from volcengine_policy.truth import (
    YES,
    Cause,
    Judgement,
    every,
    known,
    negate,
    some,
    unknown,
)


@dataclass(frozen=True, slots=True)
class Question:
    """What a statement is held against: an action, a resource when it is known, and the condition keys."""

    action: str
    resource: Trn | None
    context: Context
    assumptions: Assumptions

    @property
    def service(self) -> str:
        """The service code of the action, in lower case."""
        return self.action.partition(":")[0].lower()


def applies(statement: Statement, question: Question) -> Judgement:
    """Whether the statement applies; all three parts must hold, and one that does not settles it."""
    if statement.malformed:
        return unknown(Cause(CauseKind.STATEMENT, statement.path, "the statement is not an object"))
    return every(_parts(statement, question)).at(statement.path)


def _parts(statement: Statement, question: Question) -> Iterator[Judgement]:
    yield _part(statement.actions, statement.not_actions, question, _action, "Action")
    yield _part(statement.resources, statement.not_resources, question, _resource, "Resource")
    for condition in statement.conditions:
        yield holds(condition, question.context, question.assumptions)


def _part(
    values: Values | None,
    excluded: Values | None,
    question: Question,
    test: Callable[[Value, Question], Judgement],
    name: str,
) -> Judgement:
    """Action less NotAction, or Resource less NotResource (Volcengine docs 6257/1505229)."""
    outside = YES if excluded is None else negate(some(test(value, question) for value in excluded))
    if values is not None:
        inside = some(test(value, question) for value in values)
        return inside if excluded is None else every((inside, _subtracted(outside, question, name)))
    if excluded is not None:
        alone = unknown(Cause(CauseKind.STATEMENT, f"Not{name}", f"Not{name} stands without {name}"))
        return question.assumptions.choose("A-NOTACTION", {"subtract": alone, "complement": outside, "ignored": alone})
    if name == "Resource":
        # The element table calls Resource optional (docs 6257/65059); that its absence means all is inferred.
        return YES
    return unknown(Cause(CauseKind.STATEMENT, name, f"the statement has no {name}"))


def _subtracted(outside: Judgement, question: Question, name: str) -> Judgement:
    """Whether the request is outside the Not* element, as far as its service honours such elements."""
    honoured = honours_not(question.service)
    if honoured or outside.is_true:
        return outside
    if honoured is False:
        reason = f"{question.service} is documented not to support Not{name}"
        return unknown(Cause(CauseKind.STATEMENT, f"Not{name}", reason))
    return question.assumptions.choose("A-NOTACTION", {"subtract": outside, "complement": outside, "ignored": YES})


def _action(value: Value, question: Question) -> Judgement:
    exact = match_action(value.text, question.action, ignore_case=False)
    loose = match_action(value.text, question.action, ignore_case=True)
    if value.form is not Form.STRING or exact is None or loose is None:
        return unknown(Cause(CauseKind.STATEMENT, value.path, f'"{value.text}" is not an action'))
    return question.assumptions.choose("A-CASE", {"ignore": known(loose), "exact": known(exact)})


def _resource(value: Value, question: Question) -> Judgement:
    if value.form is Form.STRING and value.text == "*":
        return YES
    pattern = parse_trn(value.text) if value.form is Form.STRING else None
    if pattern is None:
        return unknown(Cause(CauseKind.STATEMENT, value.path, f'"{value.text}" is not a TRN of five fields'))
    if variables(f"{pattern.service}:{pattern.region}:{pattern.account}"):
        reason = "variables are documented for the path of a TRN only"
        return unknown(Cause(CauseKind.STATEMENT, value.path, reason))
    resource = question.resource
    if resource is None:
        reason = f"whether it is one of {value.text} depends on the resource, which was not given"
        return unknown(Cause(CauseKind.RESOURCE, "resource", reason))
    fields = (
        known(glob(wanted, given))
        for wanted, given in (
            (pattern.service, resource.service),
            (pattern.region, resource.region),
            (pattern.account, resource.account),
        )
    )
    path = substitute(pattern.path, question.context, question.assumptions)
    within = path if isinstance(path, Judgement) else known(matches(path, resource.path))
    return every((*fields, within))


def caveats(statement: Statement) -> tuple[str, ...]:
    """What is inferred, not documented, in reading this statement, as sentences."""
    found = [
        f"The operator {condition.operator} is not confirmed for Volcengine."
        for condition in statement.conditions
        if (known_operator := operator(condition.operator)) and not known_operator.confirmed
    ]
    if statement.resources is None and statement.not_resources is None:
        found.append("The statement has no Resource, which is taken for every resource.")
    return tuple(dict.fromkeys(found))
