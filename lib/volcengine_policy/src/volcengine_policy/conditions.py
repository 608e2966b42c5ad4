"""Whether a condition of a statement holds for a request: yes, no, or unknown and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from volcengine_policy.assumptions import DEPENDS, Assumptions, undecided
from volcengine_policy.document import Condition, Form, Value
from volcengine_policy.kinds import CauseKind
from volcengine_policy.matching import Tokens, matches, tokens, variables
from volcengine_policy.operators import (
    Comparison,
    Operator,
    Quantifier,
    boolean,
    compare,
    operator,
)
from volcengine_policy.truth import (
    NO,
    YES,
    Cause,
    Judgement,
    every,
    known,
    negate,
    some,
    unknown,
)

ContextValue: TypeAlias = "str | tuple[str, ...] | list[str] | None"


class Context:
    """The condition keys of a request, whatever their case.

    A key with None or no values is one that the request does not carry. A key that is not in the mapping is one
    whose value was not told: nothing is concluded from it.
    """

    def __init__(self, values: Mapping[str, ContextValue]) -> None:
        told: dict[str, tuple[str, ...]] = {}
        for key, value in values.items():
            if key.lower() in told:
                raise ValueError(f'the condition key "{key}" is given twice, in different case')
            told[key.lower()] = () if value is None else (value,) if isinstance(value, str) else tuple(value)
        self._values: Mapping[str, tuple[str, ...]] = MappingProxyType(told)

    def values(self, key: str) -> tuple[str, ...] | None:
        """The values of a key; empty when the request does not carry it, None when that was not told."""
        return self._values.get(key.lower())


def holds(condition: Condition, context: Context, assumptions: Assumptions) -> Judgement:
    """Whether the condition holds; its values are alternatives (all of them excluded by a negated operator)."""
    found = operator(condition.operator)
    if condition.malformed or found is None:
        return _unclear(condition.operator, f'the operator "{condition.operator}" is not known or has no keys')
    substituted = substitute(condition.key, context, assumptions)
    if isinstance(substituted, Judgement):
        return substituted
    key = "".join(token if isinstance(token, str) else token.value for token in substituted)
    given = context.values(key)
    if given is None:
        return unknown(Cause(CauseKind.CONDITION_KEY, key, f"the request's value of {key} was not given"))
    if found.comparison is Comparison.NULL:
        return some(_null(value, given) for value in condition.values)
    if not given:
        return _absent(found, key, assumptions)
    return _quantified(found, tuple(_single(found, condition, text, context, assumptions) for text in given), key)


def _null(value: Value, given: tuple[str, ...]) -> Judgement:
    try:
        return known(boolean(value.text) is not bool(given))
    except ValueError as failure:
        return _unclear(value.text, str(failure))


def _absent(found: Operator, key: str, assumptions: Assumptions) -> Judgement:
    if found.if_exists:
        return YES
    if assumptions.value("A-MISSING") == DEPENDS:
        return unknown(undecided("A-MISSING"), Cause(CauseKind.CONDITION_KEY, key, f"the request has no {key}"))
    # In AWS a set prefix decides before the negation: no value satisfies "any", and nothing contradicts "all".
    if found.quantifier is Quantifier.ANY:
        return NO
    return known(found.negated or found.quantifier is Quantifier.ALL)


def _quantified(found: Operator, results: tuple[Judgement, ...], key: str) -> Judgement:
    if found.quantifier is Quantifier.ANY:
        return some(results)
    if found.quantifier is Quantifier.ALL:
        return every(results)
    if len({result.truth for result in results}) == 1:
        return results[0]
    reason = f"the request has several values of {key}, which {found.name} compares once"
    return unknown(Cause(CauseKind.CONDITION_KEY, key, reason))


def _single(found: Operator, condition: Condition, given: str, context: Context, assumptions: Assumptions) -> Judgement:
    result = some(_compared(found, value, given, context, assumptions) for value in condition.values)
    return negate(result) if found.negated else result


def _compared(found: Operator, value: Value, given: str, context: Context, assumptions: Assumptions) -> Judgement:
    if value.form is Form.INVALID:
        return _unclear(value.text, f"{value.text} is not a value")
    wanted = substitute(value.text, context, assumptions)
    if isinstance(wanted, Judgement):
        return wanted
    text = "".join(token if isinstance(token, str) else token.value for token in wanted)
    match found.comparison:
        case Comparison.LIKE:
            return known(matches(wanted, given))
        case Comparison.STRING_IGNORE_CASE:
            return known(text.casefold() == given.casefold())
        case Comparison.STRING:
            return assumptions.choose(
                "A-SE", {"wildcard": known(matches(wanted, given)), "literal": known(text == given)}
            )
    try:
        return known(compare(found, text, given))
    except ValueError as failure:
        return _unclear(found.name, str(failure))


def substitute(pattern: str, context: Context, assumptions: Assumptions) -> Tokens | Judgement:
    """The pattern's tokens with its variables replaced, or the judgement when a variable cannot be."""
    names = variables(pattern)
    if not names:
        return tokens(pattern)
    gaps = list(_gaps(names, context, assumptions))
    if any(gap.is_false for gap in gaps):
        return NO
    if gaps:
        return unknown(*dict.fromkeys(cause for gap in gaps for cause in gap.causes))
    found = {name.lower(): given[0] for name in names if (given := context.values(name))}
    return tokens(pattern, found)


def _gaps(names: tuple[str, ...], context: Context, assumptions: Assumptions) -> Iterator[Judgement]:
    for name in names:
        given = context.values(name)
        if given is None:
            reason = f"the request's value of the variable {name} was not given"
            yield unknown(Cause(CauseKind.CONDITION_KEY, name, reason))
        elif not given:
            missing = Cause(CauseKind.CONDITION_KEY, name, f"the request has no {name} for the variable")
            yield (unknown(undecided("A-MISSING"), missing) if assumptions.value("A-MISSING") == DEPENDS else NO)
        elif len(given) > 1:
            yield unknown(Cause(CauseKind.CONDITION_KEY, name, f"the variable {name} has several values"))


def _unclear(name: str, reason: str) -> Judgement:
    return unknown(Cause(CauseKind.STATEMENT, name, reason))
