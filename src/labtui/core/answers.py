"""The operator's answers to the questions of a plan: how they are written, in a file of the repository or after `--set`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import yaml

from labtui.domain.conversion.context import Answers
from labtui.domain.conversion.findings import Finding, StackPlan
from labtui.domain.errors import Invalid
from labtui.domain.text import clean

Key = tuple[str, str]  # service (empty for the stack as a whole), key
LARGEST = 1_000_000
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def address(service: str, key: str) -> str:
    """How a question is called on the command line: `server.volumes./data`, for the stack as a whole the key alone."""
    return f"{service}.{key}" if service else key


# The file


def parse_answers(text: str, name: str) -> Answers:
    """What a file of answers says. Raises Invalid with file and line. An alias is the same node again, so none can grow."""
    if len(text) > LARGEST:
        raise Invalid(f"{name} is too large for a file of answers", f"{len(text)} letters")
    try:
        root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise Invalid(f"{name} is no YAML", clean(str(error), 2000)) from error
    if root is None:
        return {}
    found: dict[Key, str] = {}
    for service, answers in _mapping(root, name, "a service and its answers"):
        for key, value in _mapping(answers, name, "a key and its answer"):
            if not isinstance(value, yaml.ScalarNode):
                raise Invalid(f"{name}:{_line(value)}: the answer to {clean(key)} must be one text")
            if (service, key) in found:
                raise Invalid(f"{name}:{_line(value)}: {clean(address(service, key))} is answered twice")
            if value.value:
                found[service, key] = checked(address(service, key), value.value)
    return found


def _mapping(node: yaml.Node, name: str, what: str) -> Iterable[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.ScalarNode) and not node.value:
        return
    if not isinstance(node, yaml.MappingNode):
        raise Invalid(f"{name}:{_line(node)}: here must be lines of {what}")
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise Invalid(f"{name}:{_line(key)}: a key must be one text")
        yield key.value, value


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def dump_answers(site: str, stack: str, answers: Answers, findings: Iterable[Finding] = ()) -> str:
    """The file: sorted, each answer below its question. Ends in a line break; parse_answers reads it back."""
    questions = {(f.service, f.key): f.choice.question for f in findings if f.choice is not None}
    lines = [
        f"# Answers to the questions of `labtui plan {clean(site)}/{clean(stack)}`.",
        "# Written by `--set SERVICE.KEY=ANSWER --save` and by the plan's screen; may be edited by hand.",
    ]
    for service in sorted({service for service, _ in answers}):
        lines.append(f"{_quoted(service)}:")
        for key in sorted(k for s, k in answers if s == service):
            question = questions.get((service, key))
            if question:
                lines.append(f"  # {clean(question, 400)}")
            lines.append(f"  {_quoted(key)}: {_quoted(answers[service, key])}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return str(yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10 * LARGEST)).rstrip("\n")


# The command line


def match(text: str, plan: StackPlan) -> tuple[Key, str] | None:
    """The key of the plan that `SERVICE.KEY=ANSWER` is about. None: the plan has no such key (yet).

    Keys hold dots and may hold `=`: the longest name that fits is meant. A key that is converted can have an answer
    too: what is plain enough not to ask can still be wanted otherwise.
    """
    fitting = [(f.service, f.key) for f in plan.findings if text.startswith(f"{address(f.service, f.key)}=")]
    if not fitting:
        return None
    service, key = max(fitting, key=lambda found: len(address(*found)))
    return (service, key), text[len(address(service, key)) + 1 :]


def unmatched(text: str, plan: StackPlan) -> Invalid:
    """Why `text` answers nothing of the plan, and what it may have meant."""
    name = text.partition("=")[0]
    asked = [address(f.service, f.key) for f in plan.findings if f.choice is not None]
    finding = next((f for f in plan.findings if address(f.service, f.key) == name), None)
    if "=" not in text:
        return Invalid(f"{clean(text)} has no answer", "", "Write --set SERVICE.KEY=ANSWER")
    if finding is not None:
        words = f"{clean(name)} is no question: it is {finding.verdict}"
        return Invalid(words, finding.detail, _near(name, asked, plan.stack))
    services = sorted({f.service for f in plan.findings if f.service})
    service = next((s for s in sorted(services, key=len, reverse=True) if name.startswith(f"{s}.")), None)
    if service is None:
        near = get_close_matches(name.partition(".")[0], services, 1)
        words = f"the nearest is {near[0]}" if near else f"there are {', '.join(services)}" if services else ""
        title = f"{plan.stack} has no service {clean(name.partition('.')[0])}"
        return Invalid(title, words, _near(name, asked, plan.stack))
    key = name.removeprefix(f"{service}.")
    keys = [f.key for f in plan.findings if f.service == service]
    near = get_close_matches(key, keys, 1, cutoff=0.3)
    words = f"the nearest is {near[0]}" if near else ""
    return Invalid(f"The service {service} has no key {clean(key)}", words, _near(name, asked, plan.stack))


def _near(name: str, asked: Sequence[str], stack: str) -> str:
    near = get_close_matches(name, asked, 1, cutoff=0.3)
    if near:
        return f"Did you mean --set {near[0]}=…?"
    return "" if asked else f"The plan of {stack} asks nothing"


def accepted(plan: StackPlan, key: Key, answer: str) -> bool:
    """Does this plan, made with the answer, take it? False: nothing asks for it (another answer may open the question).

    Raises Invalid for an answer that is none of the question's options, naming the nearest one.
    """
    choice = next((f.choice for f in plan.findings if (f.service, f.key) == key), None)
    if choice is None:
        return False
    if choice.given == answer:
        return True
    name, known = address(*key), [option.answer for option in choice.options]
    placeholders = next((option.placeholders for option in choice.options if option.answer == answer), ())
    if placeholders:
        meant = "stands for the real one" if len(placeholders) == 1 else "stand for the real ones"
        words = f"{' and '.join(placeholders)} in it {meant}"
        raise Invalid(f"{clean(answer)} is no answer to {name}", words, "Write that instead, as it is on your machines")
    near = get_close_matches(answer, known, 1, cutoff=0.3)
    hint = f"Did you mean {name}={near[0]}?" if near else ""
    also = ", or another text of that form" if choice.free else ""
    raise Invalid(f"{clean(answer)} is no answer to {name}", f"possible are {', '.join(known)}{also}", hint)


def checked(name: str, answer: str) -> str:
    """The answer itself, if it can stand in a file. Raises Invalid for control characters and for a page of text."""
    if clean(answer) != answer:
        raise Invalid(f"The answer to {clean(name)} is too long, or has characters that cannot be shown")
    return answer
