"""Environment variables: what is harmless is written into the values, what is a secret goes to Vault."""

from __future__ import annotations

import re
from typing import Any

from labtui.domain.compose.stack import EnvironmentValue, Service
from labtui.domain.conversion.context import Conversion, Pass, Rule
from labtui.domain.conversion.guard import distinctive
from labtui.domain.conversion.needles import Needles
from labtui.domain.conversion.rules.secrets import keep_variable, vault_path
from labtui.domain.conversion.secrecy import (
    Judgement,
    Sort,
    inner_secrets,
    judge,
    looks_random,
    secret_name,
    url_with_password,
)
from labtui.domain.conversion.units import no_expansion

SECRET, PLAIN, OMIT = "secret", "plain", "omit"
_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")  # what every Kubernetes version in use takes
_MOVE = ((SECRET, "kept in Vault"), (PLAIN, "written into the values, in git"))
_UNSET = ((OMIT, "the pods go without it"), (SECRET, "kept in Vault, where you fill it in"))


def learn_secrets(c: Conversion) -> None:
    """The secret values of all services, so that each is found again wherever else it is written."""
    for service in c.stack.services:
        for variable in service.environment:
            if not variable.value or not _kept(c, service.name, variable):
                continue
            for value in (variable.value, *inner_secrets(variable.value)):
                if distinctive(c, value):
                    c.known.setdefault(value, variable.name)
    c.needles = Needles(c.known)


def _kept(c: Conversion, service: str, variable: EnvironmentValue) -> bool:
    given = c.answers.get((service, f"environment.{variable.name}"), "")
    if given in (SECRET, PLAIN):
        return given == SECRET
    return judge(variable).sort in (Sort.SECRET, Sort.LIKELY)


def _environment(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    if not service.environment:
        c.converted(service.name, "environment", "Empty: nothing to do.")
    for variable in service.environment:
        _one(c, service, component, variable)


def _one(c: Conversion, service: Service, component: dict[str, Any], variable: EnvironmentValue) -> None:
    key = f"environment.{variable.name}"
    if not _NAME.fullmatch(variable.name):
        c.refused(service.name, key, "Kubernetes takes no variable of this name: rename it, or set it in the image.")
        return
    judgement = judge(variable)
    if judgement.sort is Sort.UNSET:
        _unset(c, service, component, variable, judgement)
        return
    held = ""
    if judgement.sort is Sort.PLAIN:
        held = c.known.get(c.needles.first(variable.value or ""), "")
    if held:
        judgement = Judgement(Sort.SECRET, f"the value of {held} is in it")
    question = f"Is {variable.name} a secret?"
    if judgement.sort is Sort.PLAIN:
        said = f"Not a secret ({judgement.reason}): written into the values."
        answer = c.settle(service.name, key, question, _MOVE, PLAIN, said)
    elif judgement.sort is Sort.SECRET:
        said = f"A secret ({judgement.reason}): kept in Vault at {vault_path(c)}."
        answer = c.settle(service.name, key, question, _MOVE, SECRET, said)
    else:
        said = f"Taken for a secret, since {judgement.reason}: kept in Vault at {vault_path(c)}."
        answer = c.choose(service.name, key, question, _MOVE, SECRET, said)
    if answer == SECRET:
        keep_variable(
            c, service.name, component, variable.name, variable.value, judgement.reason, _shared_names(variable)
        )
    else:
        component.setdefault("env", {})[variable.name] = no_expansion(variable.value or "")


def _unset(
    c: Conversion, service: Service, component: dict[str, Any], variable: EnvironmentValue, why: Judgement
) -> None:
    key = f"environment.{variable.name}"
    by_name = secret_name(variable.name)

    def plain_text(given: str) -> bool:
        # a secret must not come in through the answers: they are remembered in git
        return not by_name and not looks_random(given) and not url_with_password(given)

    detail = f"Nothing is known of it, since {why.reason}."
    proposed = SECRET if by_name else ""
    question = f"What is {variable.name}?"
    answer = c.choose(service.name, key, question, _UNSET, proposed, detail, plain_text)
    if answer == SECRET:
        keep_variable(c, service.name, component, variable.name, None, why.reason, _shared_names(variable))
    elif answer and answer != OMIT:
        component.setdefault("env", {})[variable.name] = no_expansion(answer)


def _shared_names(variable: EnvironmentValue) -> tuple[str, ...]:
    """The ${…} that is the whole value, as far as can be told: two services that use it share one key."""
    if len(variable.variables) != 1 or re.search(r"://|[\s;,@]", variable.value or ""):
        return ()
    return variable.variables


def _env_file(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    c.converted(
        service.name, "env_file", "Its lines are among the variables of environment, each with its own verdict."
    )


RULES: dict[str, Rule] = {"environment": _environment, "env_file": _env_file}
FIRST: tuple[Pass, ...] = (learn_secrets,)
