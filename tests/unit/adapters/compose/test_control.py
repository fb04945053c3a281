"""Running stacks: which program with which words, environment and folder; templates; what is hidden; how it ends."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pytest

from labtui.adapters.compose import ComposeReader, ComposeRunner, Place
from labtui.adapters.compose import control as control_module
from labtui.adapters.compose.program import find_program
from labtui.domain.errors import Denied, Invalid, LabError, NotFound, OutcomeUnknown, Refused, Unreachable
from tests.unit.adapters.compose.support import SECRET, FakeCompose, config, place, runner, site, words

FILES = {
    "_base/s.yaml": "services: {web: {image: a, environment: {P: '${DB_PASSWORD}'}}}\n",
    "kyiv/s.yaml": "services: {web: {ports: ['80:80']}}\n",
    "kyiv/.env.generated": f"DB_PASSWORD={SECRET}\n",
    "kyiv/.env.user": "DOMAIN=example.org\n",
    "kyiv/s/conf/app.conf.tmpl": "host={{DOMAIN}}\npw={{ DB_PASSWORD }}\nkeep {{ .Name }} {{- else }}\n",
}
SERVICES = {"web": {"image": "a", "environment": {"P": SECRET}}, "cache": {"image": "b"}}


@pytest.fixture
def fake(tmp_path: Path) -> FakeCompose:
    found = FakeCompose(tmp_path / "bin")
    found.values({"DB_PASSWORD": SECRET, "DOMAIN": "example.org"})
    found.replies(
        {"words": ["config"], "out": config(SERVICES)}, {"words": ["up"]}, {"words": ["stop"]}, {"words": ["pull"]}
    )
    return found


@pytest.mark.parametrize(
    ("verb", "services", "tail"),
    [
        ("up", (), "up --detach"),
        ("stop", ("web",), "stop web"),
        ("pull", ("web", "cache"), "pull web cache"),
    ],
)
def test_the_command_is_the_sites_convention(
    tmp_path: Path, fake: FakeCompose, verb: str, services: tuple[str, ...], tail: str
) -> None:
    here = site(tmp_path, FILES)
    control = runner(place(here), fake.environ)
    control.run("kyiv", "s", verb, services, lambda line: None)
    (call,) = fake.calls(verb)
    expected = "--project-name s --env-file .env.generated --env-file .env.user -f ../_base/s.yaml -f s.yaml"
    assert words(call["argv"]) == f"--ansi never --progress plain {expected} {tail}"
    assert (call["cwd"], call["env"]["PWD"], call["env"]["DOCKER_HOST"]) == (
        str(here),
        str(here),
        "unix:///var/run/docker.sock",
    )
    (command,) = control.preview("kyiv", "s", verb, services).commands
    assert command.startswith(f"cd {here} && DOCKER_HOST=unix:///var/run/docker.sock docker-compose ")
    assert command.endswith(f"{expected} {tail}")


def test_the_engine_and_the_folder_are_those_of_the_site_and_nothing_else_decides(
    tmp_path: Path, fake: FakeCompose
) -> None:
    here = site(tmp_path, FILES)
    environ = fake.environ | {"DOCKER_HOST": "tcp://other:1", "COMPOSE_FILE": "x", "COMPOSE_PROJECT_NAME": "y"}
    runner(place(here, "/srv/kyiv", context="kyiv"), environ).run("kyiv", "s", "stop", (), lambda line: None)
    env = fake.calls("stop")[0]["env"]
    assert (env["DOCKER_CONTEXT"], env["PWD"]) == ("kyiv", "/srv/kyiv")
    assert not {"DOCKER_HOST", "COMPOSE_FILE", "COMPOSE_PROJECT_NAME"} & set(env)


def test_templates_are_filled_in_before_up_for_their_owner_alone(tmp_path: Path, fake: FakeCompose) -> None:
    here = site(tmp_path, FILES)
    control = runner(place(here), fake.environ)
    target = here / "s" / "conf" / "app.conf"
    assert control.preview("kyiv", "s", "up", ()).files == (str(target),)
    assert not target.exists(), "a preview writes nothing"
    said: list[str] = []
    control.run("kyiv", "s", "up", (), said.append)
    assert target.read_text() == f"host=example.org\npw={SECRET}\nkeep {{{{ .Name }}}} {{{{- else }}}}\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert said[:2] == [f"{target} written", "docker compose up"], "told right before it begins"
    inode, mode = target.stat().st_ino, 0o640
    target.chmod(mode)
    fake.values({"DB_PASSWORD": SECRET, "DOMAIN": "example.com"})
    control.run("kyiv", "s", "up", (), said.append)
    assert "example.com" in target.read_text()
    assert (target.stat().st_ino, stat.S_IMODE(target.stat().st_mode)) == (inode, mode), "a mounted file stays the same"
    control.run("kyiv", "s", "up", (), said.append)
    assert said[-2:] == [f"{target} is as it should be", "docker compose up"]


def test_a_name_that_no_env_file_has_names_file_and_line_and_nothing_is_done(tmp_path: Path, fake: FakeCompose) -> None:
    here = site(tmp_path, FILES | {"kyiv/s/b.tmpl": "x\n{{MISSING}} {{HOME}}\n"})
    control = runner(place(here), fake.environ)
    (refusal,) = control.preview("kyiv", "s", "up", ()).refusals
    assert f"{here}/s/b.tmpl:2: MISSING" in refusal and "b.tmpl:2: HOME" in refusal
    with pytest.raises(Invalid, match="MISSING"):
        control.run("kyiv", "s", "up", (), lambda line: None)
    assert not fake.calls("up") and not (here / "s" / "conf" / "app.conf").exists()


def test_a_link_is_not_followed(tmp_path: Path, fake: FakeCompose) -> None:
    here = site(tmp_path, FILES)
    (tmp_path / "precious").write_text("mine")
    (here / "s" / "conf" / "app.conf").symlink_to(tmp_path / "precious")
    with pytest.raises(Refused, match="cannot be written"):
        runner(place(here), fake.environ).run("kyiv", "s", "up", (), lambda line: None)
    assert (tmp_path / "precious").read_text() == "mine"


def test_templates_go_to_the_sites_folder_on_its_host(tmp_path: Path, fake: FakeCompose) -> None:
    here = site(tmp_path, FILES)
    away = tmp_path / "srv"
    (refusal,) = runner(place(here, str(away)), fake.environ).preview("kyiv", "s", "up", ()).refusals
    assert "project_dir" in refusal
    away.mkdir()
    runner(place(here, str(away)), fake.environ).run("kyiv", "s", "up", (), lambda line: None)
    assert (away / "s" / "conf" / "app.conf").is_file() and not (here / "s" / "conf" / "app.conf").exists()


def test_over_ssh_the_files_are_asked_for_and_written_there(tmp_path: Path, fake: FakeCompose) -> None:
    here = site(tmp_path, FILES | {"kyiv/s/static.conf": "x"})
    away = tmp_path / "it's away"
    away.mkdir()
    volumes = [{"type": "bind", "source": f"{away}/s/{n}", "target": "/x"} for n in ("static.conf", "data", "conf")]
    fake.replies({"words": ["config"], "out": config({"web": {"volumes": volumes}})}, {"words": ["up"]})
    ssh = fake.folder / "ssh"  # a host behind ssh that has the same files
    ssh.write_text(
        '#!/bin/sh\necho "$@" >> "$0.calls"\nfor last; do :; done\nexec /bin/sh -c "PATH=/usr/bin:/bin; $last"\n'
    )
    ssh.chmod(0o755)
    control = runner(place(here, str(away), "ssh://pi@kyiv.example:2222"), fake.environ)
    preview = control.preview("kyiv", "s", "up", ())
    assert [r for r in preview.refusals if "static.conf" in r and "copy it there" in r] and len(preview.refusals) == 1
    assert [w for w in preview.warnings if f"{away}/s/data is not on pi@kyiv.example" in w] and len(
        preview.warnings
    ) == 1
    control.run("kyiv", "s", "up", (), lambda line: None)
    target = away / "s" / "conf" / "app.conf"
    assert SECRET in target.read_text() and stat.S_IMODE(target.stat().st_mode) == 0o600
    called = (fake.folder / "ssh.calls").read_text()
    assert "-l pi -p 2222 -- kyiv.example" in called and "BatchMode=yes" in called and SECRET not in called


def test_an_engine_without_a_way_to_its_files_gets_no_templates(tmp_path: Path, fake: FakeCompose) -> None:
    preview = runner(place(site(tmp_path, FILES), host="tcp://kyiv:2376"), fake.environ).preview("kyiv", "s", "up", ())
    assert "no way to the files" in preview.refusals[0] and "Bind mounts" in preview.warnings[0]


def test_secrets_are_in_no_argument_no_line_and_no_error(tmp_path: Path, fake: FakeCompose) -> None:
    here = site(tmp_path, FILES)
    fake.replies(
        {"words": ["config"], "out": config(SERVICES)},
        {"words": ["up"], "out": f"web: using {SECRET}\n", "err": f"Error: bad password {SECRET}\n", "status": 1},
        {"words": ["logs"], "out": f"web-1 | {SECRET} example.org\n"},
    )
    control = runner(place(here), fake.environ)
    said: list[str] = []
    with pytest.raises(Refused) as caught:
        control.run("kyiv", "s", "up", (), said.append)
    assert "bad password •••" in str(caught.value)
    seen = [*control.logs("kyiv", "s", (), follow=False, tail=5)]
    assert seen == ["web-1 | ••• example.org"]
    everything = " ".join([*said, str(caught.value), *seen, *control.preview("kyiv", "s", "up", ()).commands])
    assert SECRET not in everything
    assert all(SECRET not in json.dumps(call) for call in fake.calls())


def test_logs_follow_and_end_with_the_reader(tmp_path: Path, fake: FakeCompose) -> None:
    fake.replies(
        {"words": ["config"], "out": config(SERVICES)}, {"words": ["logs"], "out": "web-1 | up\n", "seconds": 60}
    )
    found = runner(place(site(tmp_path, FILES)), fake.environ).logs("kyiv", "s", ("web",), follow=True, tail=0)
    assert next(found) == "web-1 | up"
    began = time.monotonic()
    found.close()
    assert time.monotonic() - began < 5
    assert words(fake.calls("logs")[0]["argv"]).endswith("logs --no-color --timestamps --tail all --follow web")


def test_what_does_not_end_is_stopped_and_its_outcome_unknown(
    tmp_path: Path, fake: FakeCompose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "SECONDS", {"up": 0.3})
    fake.replies({"words": ["config"], "out": config(SERVICES)}, {"words": ["up"], "seconds": 60})
    with pytest.raises(OutcomeUnknown, match="did not end"):
        runner(place(site(tmp_path, FILES)), fake.environ).run("kyiv", "s", "up", (), lambda line: None)


@pytest.mark.parametrize(
    ("err", "kind"),
    [
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", Unreachable),
        ("permission denied while trying to connect to the Docker daemon socket", Denied),
        ("Error response from daemon: port is already allocated", Refused),
        ("", Refused),
    ],
)
def test_failures_in_the_engines_words(tmp_path: Path, fake: FakeCompose, err: str, kind: type[LabError]) -> None:
    fake.replies({"words": ["config"], "out": config(SERVICES)}, {"words": ["up"], "err": err, "status": 1})
    with pytest.raises(kind) as caught:
        runner(place(site(tmp_path, FILES)), fake.environ).run("kyiv", "s", "up", (), lambda line: None)
    assert (err or "exit status 1") in caught.value.detail


def test_what_runs_is_read_from_the_engine(tmp_path: Path, fake: FakeCompose) -> None:
    one = {"Service": "web", "Name": "s-web-1", "State": "exited", "Health": "", "Image": "a:1", "ExitCode": 3}
    two = one | {"Service": "cache", "Name": "s-cache-1", "State": "running", "ExitCode": 0}
    fake.replies({"words": ["ps"], "out": f"{json.dumps(one)}\n{json.dumps(two)}\n"})
    cache, web = runner(place(site(tmp_path, {})), fake.environ).states("kyiv", "s")
    assert (web.container, web.state, web.exit_code) == ("s-web-1", "exited", 3)
    assert (cache.service, cache.state) == ("cache", "running")


def test_a_stack_whose_files_are_gone_can_be_stopped_but_not_started(tmp_path: Path, fake: FakeCompose) -> None:
    state = {"Service": "web", "Name": "gone-web-1", "State": "running", "ExitCode": 0}
    fake.replies({"words": ["ps"], "out": json.dumps(state)}, {"words": ["stop"]}, {"words": ["up"]})
    control = runner(place(site(tmp_path, FILES)), fake.environ)
    preview = control.preview("kyiv", "gone", "stop", ())
    assert preview.services == ("web",) and "files are not on this machine" in preview.warnings[0]
    control.run("kyiv", "gone", "stop", ("web",), lambda line: None)
    (call,) = fake.calls("stop")
    assert words(call["argv"]).endswith("--project-name gone stop web") and "-f" not in call["argv"]
    assert call["cwd"] == "/"
    with pytest.raises(NotFound, match="There are: s"):
        control.run("kyiv", "gone", "up", (), lambda line: None)
    fake.replies({"words": ["ps"]})
    with pytest.raises(NotFound):
        control.preview("kyiv", "gone", "stop", ())


def test_a_stack_whose_files_are_on_its_host_alone_is_run_there(tmp_path: Path, fake: FakeCompose) -> None:
    away = site(tmp_path / "it's away", FILES | {"kyiv/.env.generated": "A=1\n"})
    (away / ".env.user").unlink()
    host = tmp_path / "host"  # what is installed over there
    host.mkdir()
    docker = host / "docker"
    answers = 'case "$*" in *--services*) echo web; echo cache;; *logs*) echo "web-1 | hi";; esac'
    docker.write_text(f'#!/bin/sh\necho "$PWD: $@" >> "$0.calls"\n{answers}\n')
    docker.chmod(0o755)
    ssh = fake.folder / "ssh"
    ssh.write_text(f'#!/bin/sh\nfor last; do :; done\nPATH={host} exec /bin/sh -c "$last"\n')
    ssh.chmod(0o755)
    control = runner(place(tmp_path / "nowhere", str(away), "ssh://pi@kyiv"), fake.environ)
    preview = control.preview("kyiv", "s", "up", ())
    assert preview.services == ("cache", "web") and "not filled in" in preview.warnings[0]
    assert preview.commands[0].startswith("ssh pi@kyiv ") and "up --detach" in preview.commands[0]
    control.run("kyiv", "s", "up", ["web"], lambda line: None)
    assert list(control.logs("kyiv", "s", (), follow=False, tail=1)) == ["web-1 | hi"]
    called = (host / "docker.calls").read_text().splitlines()
    options = "--project-name s --env-file .env.generated -f ../_base/s.yaml -f s.yaml"
    assert f"{away}: compose {options} --ansi never --progress plain up --detach web" in called
    assert not fake.calls("up"), "nothing is run here"
    with pytest.raises(NotFound, match="is not on pi@kyiv"):
        control.preview("kyiv", "other", "up", ())
    for wrong, services in (("x; touch evil", ()), ("s", ["web; touch evil"])):
        with pytest.raises(Invalid):
            control.run("kyiv", wrong, "up", services, lambda line: None)
    docker.write_text("#!/bin/sh\necho 'docker: unknown command: docker compose' >&2\nexit 1\n")
    with pytest.raises(Refused, match="missing on pi@kyiv"):
        control.run("kyiv", "s", "up", (), lambda line: None)
    docker.unlink()
    with pytest.raises(Refused, match="missing on pi@kyiv"):
        control.run("kyiv", "s", "up", (), lambda line: None)


def test_a_service_of_a_profile_that_is_off_is_not_expected_to_run(tmp_path: Path, fake: FakeCompose) -> None:
    services = {"web": {"image": "a"}, "debug": {"image": "b", "profiles": ["d"]}, "none": {"image": "c", "scale": 0}}
    fake.replies({"words": ["config"], "out": config(services)})
    one = place(site(tmp_path, FILES))
    assert runner(one, fake.environ).preview("kyiv", "s", "pull", ()).services == ("web",)
    assert runner(one, fake.environ).preview("kyiv", "s", "pull", ["debug"]).services == ("debug",)
    on = fake.environ | {"COMPOSE_PROFILES": "x,d"}
    assert runner(one, on).preview("kyiv", "s", "pull", ()).services == ("web", "debug")


def test_an_unknown_service_is_named(tmp_path: Path, fake: FakeCompose) -> None:
    control = runner(place(site(tmp_path, FILES)), fake.environ)
    for services in (["nope"], ["--rmi=all"]):
        with pytest.raises(Invalid, match="has no service"):
            control.run("kyiv", "s", "stop", services, lambda line: None)
    assert not fake.calls("stop")


def test_a_missing_or_old_docker_compose_is_refused_with_how_to_get_it(tmp_path: Path, fake: FakeCompose) -> None:
    for environ in ({"PATH": ""}, {"PATH": str(tmp_path)}):
        with pytest.raises(Refused) as caught:
            runner(place(site(tmp_path, FILES)), environ).run("kyiv", "s", "stop", (), lambda line: None)
        assert "docker-compose-plugin" in caught.value.hint
    old = tmp_path / "old" / "docker-compose"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 1.29.2\n")
    old.chmod(0o755)
    with pytest.raises(Refused, match=r"1\.29\.2"):
        find_program({"PATH": str(old.parent)})
    plugin = fake.folder / "docker"
    plugin.write_text("#!/bin/sh\n[ $1 = compose ] && echo v2.40.3\n")
    plugin.chmod(0o755)
    assert find_program(fake.environ) == (str(plugin), "compose"), "the plugin comes first"
    plugin.write_text("#!/bin/sh\necho 'docker: unknown command: docker compose' >&2\nexit 1\n")
    assert find_program(fake.environ) == (str(fake.folder / "docker-compose"),)


def test_a_site_without_an_engine_or_files_says_so(tmp_path: Path, fake: FakeCompose) -> None:
    here = site(tmp_path, FILES)
    nowhere = Place("kyiv", here, str(here), None)
    with pytest.raises(Refused, match="no Docker engine"):
        runner(nowhere, fake.environ).run("kyiv", "s", "stop", (), lambda line: None)
    bare = Place("kyiv", None, "", place(here).connection)
    reader = ComposeReader([bare], fake.environ)
    assert reader.stacks("kyiv") == ()
    with pytest.raises(NotFound, match=r"sites\.kyiv\.compose"):
        ComposeRunner(reader, [bare], fake.environ).run("kyiv", "s", "up", (), lambda line: None)
    assert os.listdir(here), "nothing was taken away"
