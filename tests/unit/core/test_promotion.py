"""Promotion: what moves and what stays, and a text that says exactly that and keeps its comments."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
import yaml

from labtui.core.promotion import Rules, differences, promote, read_rules, read_values, rewrite
from labtui.core.promotion.merge import same
from labtui.domain.errors import Invalid, Refused

RULES = read_rules(
    """
environment: [traffic, docker, ingress.host, components.*.docker, components.*.volumes.*.nfs]
sizes: [components.*.volumes.*.pvc]
applications:
  special: [secretive.key]
words:
  - {homelab: example.org, staging: staging.example.org}
  - {homelab: 192.168.1.2, staging: 192.168.1.3}
""",
    "promote.yaml",
    "web",
    "staging",
    "homelab",
)

HOMELAB = """\
# The homelab's web, written by hand.
traffic: kubernetes # since spring
docker: {host: 192.168.1.2}

ingress:
  host: web.example.org   # what the router knows
  annotations:
    a: "1"
components:
  # the server itself
  web:
    image: web:1 # pinned
    env:
      TZ: Europe/Warsaw
      OLD: "gone soon"  # remove in May
    docker: {port: 80}
    volumes:
      # films
      - name: media
        mountPath: /media
        nfs: {server: 192.168.1.2, path: /srv}
      - {name: data, mountPath: /data, pvc: {size: 20Gi}}
# the end
"""

STAGING = """\
traffic: docker
docker: {host: 192.168.1.3}
ingress:
  host: web.staging.example.org
  annotations:
    a: "1"
components:
  web:
    image: web:2
    # two of them now
    args:
      - --fast   # as the wiki says
      - |
        several
          lines
    env:
      TZ: Europe/Warsaw
      URL: https://web.staging.example.org
    docker: {port: 8080}
    volumes:
      - name: media
        mountPath: /films
        nfs: {server: 192.168.1.3, path: /other}
      - {name: data, mountPath: /data, pvc: {size: 1Gi}}
      # scratch
      - name: tmp
        mountPath: /tmp
        emptyDir: {}
"""

PROMOTED = """\
# The homelab's web, written by hand.
traffic: kubernetes # since spring
docker: {host: 192.168.1.2}

ingress:
  host: web.example.org   # what the router knows
  annotations:
    a: "1"
components:
  # the server itself
  web:
    image: web:2 # pinned
    # two of them now
    args:
      - --fast   # as the wiki says
      - |
        several
          lines
    env:
      TZ: Europe/Warsaw
      URL: https://web.example.org
    docker: {port: 80}
    volumes:
      # films
      - name: media
        mountPath: /films
        nfs: {server: 192.168.1.2, path: /srv}
      - {name: data, mountPath: /data, pvc: {size: 20Gi}}
      # scratch
      - name: tmp
        mountPath: /tmp
        emptyDir: {}
# the end
"""


def promoted(old: str, source: str, rules: Rules = RULES) -> str:
    source = rules.translated(source)
    result = promote(read_values(source, "from"), read_values(old, "to"), rules)
    return rewrite(old, result.values, source, "to")


def test_everything_moves_but_what_belongs_to_the_environment_and_comments_stay() -> None:
    assert promoted(HOMELAB, STAGING) == PROMOTED
    assert promoted(PROMOTED, STAGING) == PROMOTED, "nothing is left to do"


def test_what_was_kept_and_what_changes_are_named() -> None:
    source = read_values(RULES.translated(STAGING), "from")
    result = promote(source, read_values(HOMELAB, "to"), RULES)
    assert set(result.kept) == {
        "traffic",
        "components.web.docker",
        "components.web.volumes.media.nfs",
        "components.web.volumes.data.pvc",
    }
    assert (result.missing, result.begun, result.foreign) == ((), (), ())
    changed = set(differences(read_values(HOMELAB, "to"), result.values))
    assert changed == {
        "components.web.image",
        "components.web.args",
        "components.web.env.OLD",
        "components.web.env.URL",
        "components.web.volumes",
    }


def test_a_key_of_the_environment_that_the_target_lacks_is_missing_and_sizes_begin() -> None:
    source = {
        "components": {
            "db": {"image": "db:1", "docker": {"port": 5}, "volumes": [{"name": "d", "pvc": {"size": "1Gi"}}]}
        }
    }
    result = promote(source, {"components": {}}, RULES)
    assert result.missing == ("components.db.docker",)
    assert result.begun == ("components.db.volumes.d.pvc",)
    assert result.values == {
        "components": {"db": {"image": "db:1", "volumes": [{"name": "d", "pvc": {"size": "1Gi"}}]}}
    }


def test_what_the_source_has_no_more_goes_but_for_the_targets_own() -> None:
    old = {"traffic": "docker", "components": {"web": {"image": "a", "docker": {"port": 1}}, "gone": {"image": "b"}}}
    result = promote({"components": {}}, old, RULES)
    assert result.values == {"traffic": "docker", "components": {"web": {"docker": {"port": 1}}}}


def test_a_word_of_the_other_environment_is_never_promoted_unseen() -> None:
    source = {"ingress": {"host": "web.lab.internal"}, "env": {"URL": "https://web.lab.internal/x"}}
    result = promote(
        source, {"ingress": {"host": "web.example.org"}, "env": {"URL": "https://web.example.org/x"}}, RULES
    )
    assert result.foreign == ("env.URL",)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://auth.staging.example.org/x", "https://auth.example.org/x"),
        ("*.staging.example.org", "*.example.org"),
        ("192.168.1.3:80", "192.168.1.2:80"),
        ("192.168.1.30", "192.168.1.30"),
        ("1.192.168.1.3.4", "1.192.168.1.3.4"),
        ("my-staging.example.org", "my-staging.example.org"),
        ("staging.example.organic", "staging.example.organic"),
    ],
)
def test_words_are_whole_names(text: str, wanted: str) -> None:
    assert RULES.translated(text) == wanted


@pytest.mark.parametrize(
    ("old", "source", "wanted"),
    [
        ("a: 1\n", "a: true\n", "a: true\n"),
        ("a:\nb: 1\n", "a: x # why\nb: 1\n", "a: x\nb: 1\n"),
        ("a: {x: 1, y: 2} # both\n", "a: {x: 1, y: 3}\n", "a: {x: 1, y: 3} # both\n"),
        ("a: {x: 1} # one\n", "a:\n  x: 1\n  z: 2\n", "a:\n  x: 1\n  z: 2\n"),
        ("a:\n  - 1 # one\n  - 2\n", "a:\n  - 1\n  - 3\n", "a:\n  - 1 # one\n  - 3\n"),
        ("a:\n  - 1\n", "a:\n  - 1\n  - 3 # more\n", "a:\n  - 1\n  - 3 # more\n"),
        ("a: |\n  one\n\n# about b\nb: 1\n", "a: |\n  two\nb: 1\n", "a: |\n  two\n\n# about b\nb: 1\n"),
        ("a: 1\n# about b\nb: 1\nc: 1\n", "a: 1\nc: 1\n", "a: 1\nc: 1\n"),
        ("# top\n\na: 1\n", "b: 2\na: 1\n", "# top\n\na: 1\nb: 2\n"),
        ("# top\na: 1\nb: 1\n", "b: 1\nc: 2\n", "# top\nb: 1\nc: 2\n"),
        ("a:\n- x: 1\n  y: 1\n", "a:\n- y: 1\n", "a:\n- y: 1\n"),
        ('a: "1" # text\n', "a: '2'\n", "a: '2' # text\n"),
        ("a: &x {k: 1}\nb: *x\nc: 1\n", "a: {k: 1}\nb: {k: 1}\nc: 2\n", "a: &x {k: 1}\nb: *x\nc: 2\n"),
        ("a: &x {k: 1} # both\nb: *x\n", "a: {k: 2}\nb: {k: 2}\n", "a: &x {k: 2} # both\nb: *x\n"),
        ("a: 1\nb: 1", "a: 1\nb: 2", "a: 1\nb: 2\n"),
        ("# nothing yet\n", "a: 1\n", "# nothing yet\na: 1\n"),
        ("ключ: значение # слово\n", "ключ: інше\n", "ключ: інше # слово\n"),
        ("a: 1\r\nb: 1 # x\r\n", "a: 1\nb: 2\n", "a: 1\r\nb: 2 # x\r\n"),
    ],
)
def test_only_what_differs_is_written(old: str, source: str, wanted: str) -> None:
    assert promoted(old, source, Rules()) == wanted


def test_an_alias_whose_value_would_have_to_differ_is_refused() -> None:
    with pytest.raises(Refused, match="line by line"):
        promoted("a: &x {k: 1}\nb: *x\n", "a: {k: 1}\nb: {k: 2}\n", Rules())


@pytest.mark.parametrize(
    ("text", "words"), [("a: [", "line 1"), ("- 1\n", "no mapping"), ("a: b: c\n", "line 1"), ("a: \x07\n", "no YAML")]
)
def test_a_file_that_cannot_be_read(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        read_values(text, "values.yaml")


@pytest.mark.parametrize(
    "text", ["environmnt: []", "environment: x", "words: [{homelab: 1}]", "applications: []x", "- a"]
)
def test_rules_that_are_not_understood(text: str) -> None:
    with pytest.raises(Invalid, match=r"promote\.yaml"):
        read_rules(text, "promote.yaml", "web", "staging", "homelab")


def _random(dice: random.Random, depth: int = 0) -> Any:
    kind = dice.random()
    if depth > 3 or kind < 0.35:
        texts = ["x", "", "yes", "1", "a: b", "# no", "two\nlines\n", " lead", "ü", "'q'", "- d", "{", "null"]
        return dice.choice([*texts, 1, 2.5, True, False, None, {}, []])
    if kind < 0.75:
        return {f"k{dice.randrange(6)}": _random(dice, depth + 1) for _ in range(dice.randrange(1, 5))}
    if kind < 0.9:
        names = dice.sample("abcdef", dice.randrange(1, 4))
        return [{"name": name, "v": _random(dice, depth + 2)} for name in names]
    return [_random(dice, depth + 1) for _ in range(dice.randrange(1, 4))]


def _changed(dice: random.Random, value: Any) -> Any:
    value = copy.deepcopy(value)
    for _ in range(dice.randrange(1, 4)):
        place: Any = value
        while True:
            if not isinstance(place, dict) or not place:
                break
            key = dice.choice(list(place))
            if isinstance(place[key], dict) and place[key] and dice.random() < 0.7:
                place = place[key]
                continue
            if dice.random() < 0.3:
                del place[key]
            elif dice.random() < 0.5:
                place[f"new{dice.randrange(9)}"] = _random(dice, 2)
            else:
                place[key] = _random(dice, 2)
            break
    return value


def _commented(dice: random.Random, value: Any) -> tuple[str, set[str]]:
    """A text for a value, with a comment above some of its top keys."""
    lines, comments = [], set()
    for key, each in value.items():
        if dice.random() < 0.5:
            comment = f"# about {key} {dice.randrange(10**6)}"
            comments.add(comment)
            lines.append(comment)
        style = dice.choice([None, False, True])
        lines.append(
            yaml.safe_dump({key: each}, default_flow_style=False if style is None else style, allow_unicode=True).strip(
                "\n"
            )
        )
        if style is True:  # `{key: …}` as an entry of a block
            lines[-1] = f"{key}: {yaml.safe_dump([each], default_flow_style=True, width=10**6).strip()[1:-1]}"
    return "\n".join(lines) + "\n", comments


@pytest.mark.parametrize("seed", range(150))
def test_whatever_the_files_say_the_result_says_what_was_wanted(seed: int) -> None:
    dice = random.Random(seed)
    old = {f"k{n}": _random(dice, 1) for n in range(dice.randrange(1, 6))}
    new = _changed(dice, old)
    text, comments = _commented(dice, old)
    assert same(yaml.safe_load(text), old)
    source, _ = _commented(dice, new)
    result = rewrite(text, new, source, "values.yaml")
    assert same(yaml.safe_load(result) or {}, new)
    lines = result.splitlines()
    assert text.splitlines()[0] in lines or not text.startswith("#"), "what a file begins with stays"
    for comment in comments - set(text.splitlines()[:1]):
        key = comment.split()[2]
        assert (comment in lines) == (key in new), "a comment stays as long as what it is about"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &a [*a]\n", "contains itself"),
        (
            "\n".join(["l0: &l0 [x]", *(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12))]),
            "too large",
        ),
        ("a: " + "[" * 5000 + "]" * 5000, "no YAML"),
    ],
)
def test_a_file_that_means_more_than_it_says(text: str, words: str) -> None:
    with pytest.raises(Invalid) as found:
        read_values(text, "values.yaml")
    assert words in str(found.value)
