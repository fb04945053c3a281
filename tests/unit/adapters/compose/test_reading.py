"""Reading stacks with the real docker compose: what is merged, where values come from, and what is said of wrong files."""

from __future__ import annotations

from pathlib import Path

import pytest

from labtui.adapters.compose import ComposeReader
from labtui.demo.files import SITES, data_folder, load_stacks
from labtui.domain.compose.stack import EnvironmentValue, Origin, Stack
from labtui.domain.errors import Invalid, LabError, NotFound
from tests.unit.adapters.compose.support import SECRET, place, real_environ, real_reader, site

BASE = """\
x-common: &common
  restart: unless-stopped
services:
  web:
    <<: *common
    image: nginx:${TAG:-1}
    command: sh -c "echo $$HOME"
    environment:
      - LITERAL=one
      - DB_PASSWORD=${DB_PASSWORD}
      - URL=postgres://u:${DB_PASSWORD}@db/${NAME:-x}
      - FROM_SHELL
      - NOWHERE
      - PRICE=5$$
    env_file: [extra.env]
    volumes: ["${PWD}/s/x:/x:ro", "data:/d"]
volumes:
  data:
"""
OVER = """\
services:
  web:
    ports: ["${PORT:-80}:80"]
    environment: {NUMBER: 5, TOKEN: "${TOKEN}"}
  hidden:
    image: b:1
    profiles: [debug]
"""


def stack(tmp_path: Path, env: str = f"DB_PASSWORD='pa$word{SECRET}'\n") -> Stack:
    here = site(
        tmp_path,
        {
            "_base/s.yaml": BASE,
            "kyiv/s.yaml": OVER,
            "_base/extra.env": "FROM_FILE=$NOT_SET\nLITERAL=no\n",
            "kyiv/.env.user": env,
        },
    )
    return real_reader(here, "/srv/kyiv", FROM_SHELL="hello").read("kyiv", "s")


def test_base_and_site_are_merged_with_the_hosts_own_folder(tmp_path: Path) -> None:
    found = stack(tmp_path)
    web, hidden = found.service("web"), found.service("hidden")
    assert web and hidden, "a service of a profile is there too"
    assert (found.files, found.folder) == (("../_base/s.yaml", "s.yaml"), "/srv/kyiv")
    assert found.folder_here == str(tmp_path / "compose" / "kyiv")
    assert (web.image, web.raw["restart"]) == ("nginx:1", "unless-stopped")
    assert web.raw["command"] == ["sh", "-c", "echo $HOME"]
    assert [v["source"] for v in web.raw["volumes"]] == ["/srv/kyiv/s/x", "data"]
    assert web.raw["ports"][0]["published"] == "80"
    assert "entrypoint" not in web.raw and "command" not in hidden.raw
    assert found.raw["volumes"]["data"]["name"] == "s_data"


def test_where_each_value_comes_from(tmp_path: Path) -> None:
    found = stack(tmp_path)
    web = found.service("web")
    assert web
    values = {e.name: e for e in web.environment}
    password = f"pa$word{SECRET}"
    assert values["LITERAL"] == EnvironmentValue("LITERAL", "one")
    assert values["NUMBER"] == EnvironmentValue("NUMBER", "5")
    assert values["PRICE"] == EnvironmentValue("PRICE", "5$")
    assert values["DB_PASSWORD"] == EnvironmentValue("DB_PASSWORD", password, Origin.VARIABLE, ("DB_PASSWORD",))
    assert values["URL"].value == f"postgres://u:{password}@db/x"
    assert values["URL"].variables == ("DB_PASSWORD", "NAME")
    assert (values["FROM_SHELL"].value, values["FROM_SHELL"].origin) == ("hello", Origin.HOST)
    assert (values["NOWHERE"].value, values["NOWHERE"].origin) == (None, Origin.HOST)
    assert (values["FROM_FILE"].origin, Path(values["FROM_FILE"].file).name) == (Origin.ENV_FILE, "extra.env")
    assert (values["TOKEN"].value, values["TOKEN"].variables) == (None, ("TOKEN",))
    assert found.unset == ("TOKEN",)
    assert web.raw["environment"]["DB_PASSWORD"] == password and web.raw["environment"]["TOKEN"] is None
    assert SECRET not in repr(found)


@pytest.mark.parametrize("name", SITES)
def test_every_stack_of_the_reference_estate_is_accepted_without_any_env_file(name: str) -> None:
    compose = data_folder("compose")
    reader = ComposeReader([place(compose / name)], real_environ())
    demo = load_stacks(name, compose)
    found = {(stack, s.name) for stack in reader.stacks("kyiv") for s in reader.read("kyiv", stack).services}
    assert found == {(s.stack, s.name) for s in demo} and len(found) >= 4


GOOD = "services:\n  web: {image: a}\n"


@pytest.mark.parametrize(
    ("files", "place_of_it", "says"),
    [
        ({"kyiv/s.yaml": "services:\n  web:\n    image: [a\n  x: {\n"}, "kyiv/s.yaml:", "expected"),
        ({"_base/s.yaml": "services:\n  a: b: c\n", "kyiv/s.yaml": GOOD}, "_base/s.yaml:2", "mapping values"),
        ({"kyiv/s.yaml": "services:\n  web:\n    image: a\n    imgae: b\n"}, "kyiv/s.yaml:4", "imgae"),
        ({"_base/s.yaml": "services:\n  web:\n    ports: {a: 1}\n", "kyiv/s.yaml": GOOD}, "_base/s.yaml:3", "array"),
        ({"kyiv/s.yaml": "services:\n  web:\n    image: a\n    depends_on: [zz]\n"}, "kyiv/s.yaml:2", "zz"),
        (
            {"kyiv/s.yaml": "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n"},
            "kyiv/s.yaml:",
            "cycle",
        ),
        (
            {"kyiv/s.yaml": "services:\n  web:\n    image: ${A:?say which}\n"},
            "kyiv/s.yaml:3",
            "the variable A is not set",
        ),
        ({"kyiv/s.yaml": "services:\n  a: {image: b}\n  a: {image: c}\n"}, "kyiv/s.yaml:3", "already defined"),
        ({"kyiv/s.yaml": "services:\n\ta: {image: b}\n"}, "kyiv/s.yaml:2", "token"),
        (
            {"kyiv/s.yaml": "services: {a: {image: x, labels: " + "[" * 20000 + "]" * 20000 + "}}"},
            "kyiv/s.yaml:1",
            "depth",
        ),
        ({"kyiv/s.yaml": "services:\n  a: {image: b}\nx: &x\n  y: *x\n"}, "kyiv/s.yaml", "cycle"),
        ({"kyiv/s.yaml": "include: [no.yaml]\nservices:\n  a: {image: b}\n"}, "no.yaml", "no such file"),
        ({"kyiv/s.yaml": "- a\n"}, "", "mapping"),
        ({"kyiv/s.yaml": ""}, "", "empty"),
        (
            {
                "kyiv/s.yaml": "services:\n  web:\n    image: a\n    mem_limit: ${SIZE}\n    ports: ['${PORT}']\n",
                "kyiv/.env.user": f"SIZE={SECRET}\nPORT=99999999\n",
            },
            "",
            "•••",
        ),
        ({"kyiv/s.yaml": GOOD, "kyiv/.env.user": f'A=1\nB="{SECRET}\n'}, ".env.user:", "NAME=VALUE"),
        ({"kyiv/s.yaml": GOOD, "kyiv/.env.user": f"A=1\nB C={SECRET}\n"}, ".env.user:2", "NAME=VALUE"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line_and_without_a_value(
    tmp_path: Path, files: dict[str, str], place_of_it: str, says: str
) -> None:
    with pytest.raises(Invalid) as caught:
        real_reader(site(tmp_path, files)).read("kyiv", "s")
    words = str(caught.value)
    assert place_of_it in words and says in words
    assert SECRET not in words and "99999999" not in words
    assert SECRET not in "".join(map(repr, _chain(caught.value)))


def _chain(error: BaseException | None) -> list[BaseException]:
    return [] if error is None else [error, *_chain(error.__cause__ or error.__context__)]


def test_what_is_not_text_or_huge_is_refused_before_anything_is_run(tmp_path: Path) -> None:
    laughs = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    huge = "#" * (4 * 1024 * 1024 + 1)
    here = site(tmp_path, {"kyiv/bad.yaml": "", "kyiv/huge.yaml": huge, "kyiv/laughs.yaml": laughs})
    (here / "bad.yaml").write_bytes(b"services:\n  web:\n    image: \xff\n")
    reader = ComposeReader([place(here)], {"PATH": ""})
    with pytest.raises(Invalid, match=r"bad\.yaml:3 is not UTF-8"):
        reader.read("kyiv", "bad")
    for name in ("huge", "laughs"):
        with pytest.raises(Invalid, match=rf"{name}\.yaml is too large"):
            reader.read("kyiv", name)


@pytest.mark.parametrize(
    ("where", "name", "kind", "words"),
    [
        ("kyiv", "nope", NotFound, "There are: s"),
        ("kyiv", "../_base/s", Invalid, "cannot be the name"),
        ("kyiv", "--help", Invalid, "cannot be the name"),
        ("lviv", "s", NotFound, "There are: kyiv"),
    ],
)
def test_what_is_not_there(tmp_path: Path, where: str, name: str, kind: type[LabError], words: str) -> None:
    here = site(tmp_path, {"kyiv/s.yaml": GOOD, "_base/s.yaml": GOOD})
    reader = ComposeReader([place(here)], {"PATH": ""})
    with pytest.raises(kind, match=words):
        reader.read(where, name)
    assert reader.stacks("kyiv") == ("s",)


def test_three_hundred_services_are_read(tmp_path: Path) -> None:
    text = "services:\n" + "".join(f"  s{n}: {{image: 'a:1'}}\n" for n in range(300))
    assert len(real_reader(site(tmp_path, {"kyiv/s.yaml": text})).read("kyiv", "s").services) == 300


def test_what_is_included_and_extended_is_read_with_its_origins(tmp_path: Path) -> None:
    here = site(
        tmp_path,
        {
            "kyiv/s.yaml": "include: [sub/other.yaml]\nservices: {a: {extends: {file: sub/base.yaml, service: b}}}\n",
            "kyiv/sub/other.yaml": "services: {other: {image: 'i', environment: {Q: '${LATER}'}}}\n",
            "kyiv/sub/base.yaml": "services: {b: {image: x, environment: ['E=${EXT}']}}\n",
            "kyiv/.env.user": f"EXT={SECRET}\n",
        },
    )
    found = real_reader(here).read("kyiv", "s")
    values = {e.name: e for service in found.services for e in service.environment}
    assert values["E"] == EnvironmentValue("E", SECRET, Origin.VARIABLE, ("EXT",))
    assert values["Q"].value is None and found.unset == ("LATER",)


def test_variables_where_numbers_stand_are_known_too(tmp_path: Path) -> None:
    """Not every such file can be printed without its variables filled in; their values are taken for secrets then."""
    text = """
services:
  a:
    image: x
    ports: ["${PUBLISHED}:80"]
    deploy: {replicas: "${N:-2}", resources: {limits: {memory: "${MEM:-1g}"}}}
    healthcheck: {test: [NONE], retries: "${RETRIES:-3}"}
    ulimits: {nofile: "${FILES:-5}"}
    environment: {A: "${A:-1}", B: plain}
"""
    found = real_reader(site(tmp_path, {"kyiv/s.yaml": text})).read("kyiv", "s")
    assert found.unset == ("PUBLISHED",)
    assert {e.name: e.value for e in found.services[0].environment} == {"A": "1", "B": "plain"}
    assert {e.origin for e in found.services[0].environment} == {Origin.VARIABLE}
