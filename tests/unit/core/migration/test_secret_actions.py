"""Secrets written to Vault with check-and-set, adopted, refused and taken back; over a KV v2 mount in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from labtui.core.migration.action import LEFT, Look, Seen
from labtui.core.migration.secrets import WriteSecret, may_write, not_ready, secret_actions
from labtui.domain.conversion.findings import PlannedSecret, StackPlan
from labtui.domain.errors import Denied, LabError, NotFound, OutcomeUnknown, Refused, Unreachable
from labtui.domain.resources.vault import SecretVersion
from labtui.ports.moving import StoredSecret
from tests.unit.core.fakes import T0

PATH = "apps/web"
PASSWORD, TOKEN = "planted-pass-word", "planted-to-ken"


def planned(key: str = "DB_PASSWORD", value: str | None = PASSWORD, service: str = "web") -> PlannedSecret:
    return PlannedSecret(service, PATH, key, key, "its name", value)


BOTH = (planned(), planned("API_TOKEN", TOKEN))


class MemoryVault:
    """One mount. `before` and `after` are called around each change; an error raised after it is a lost answer."""

    def __init__(self, *versions: Mapping[str, Any]) -> None:
        self.kept: list[dict[str, Any]] = [dict(v) for v in versions]
        self.deleted: set[int] = set()
        self.before: list[BaseException | None] = []
        self.after: list[BaseException | None] = []
        self.changes = 0

    def newest(self, path: str) -> StoredSecret:
        number = len(self.kept)
        gone = number in self.deleted
        return StoredSecret(number, {} if gone or not number else dict(self.kept[-1]), gone)

    def put(self, path: str, values: Mapping[str, Any], *, cas: int) -> int:
        self._fail(self.before)
        if cas != len(self.kept):
            raise Refused("Vault refuses the request", "check-and-set parameter did not match the current version")
        self.kept.append(dict(values))
        self.changes += 1
        self._fail(self.after)
        return len(self.kept)

    def versions(self, path: str) -> tuple[SecretVersion, ...]:
        numbers = range(1, len(self.kept) + 1)
        return tuple(SecretVersion(n, T0, T0 if n in self.deleted else None) for n in numbers)

    def delete(self, path: str, versions: Sequence[int]) -> None:
        self._fail(self.before)
        self.deleted |= set(versions)
        self.changes += 1
        self._fail(self.after)

    def capabilities(self, path: str) -> frozenset[str]:
        if path == "closed":
            raise Denied("no", "permission denied")
        return frozenset({"apps/root": {"root"}, "apps/read": {"read"}}.get(path, {"create", "read", "update", "list"}))

    def _fail(self, errors: list[BaseException | None]) -> None:
        error = errors.pop(0) if errors else None
        if error is not None:
            raise error

    @property
    def alive(self) -> dict[str, Any] | None:
        """What a reader of the newest version gets."""
        return None if not self.kept or len(self.kept) in self.deleted else self.kept[-1]


def act(vault: MemoryVault, secrets: Sequence[PlannedSecret] = BOTH) -> WriteSecret:
    (found,) = secret_actions(secrets, vault)
    return found


def quiet(line: str) -> None:
    assert PASSWORD not in line and TOKEN not in line


def shows_nothing(*things: object) -> None:
    for thing in things:
        text = repr(thing) + str(thing) + (json.dumps(dict(thing)) if isinstance(thing, Mapping) else "")
        assert PASSWORD not in text and TOKEN not in text


def run(vault: MemoryVault, secrets: Sequence[PlannedSecret] = BOTH) -> tuple[Look, Mapping[str, Any]]:
    """As the engine does: look, note, do, look again."""
    action = act(vault, secrets)
    looked = action.look({})
    shows_nothing(looked, looked.data, action)
    if looked.seen is Seen.DONE:
        return looked, looked.data
    done = action.do(looked.data, quiet)
    shows_nothing(done)
    after = action.look(done)
    assert after.seen is Seen.DONE
    return after, done


def test_a_new_path_is_written_once_and_taken_back() -> None:
    vault = MemoryVault()
    _, data = run(vault)
    assert vault.alive == {"DB_PASSWORD": PASSWORD, "API_TOKEN": TOKEN}
    assert data == {"base": 0, "keys": ["API_TOKEN", "DB_PASSWORD"], "version": 1}
    run(vault)
    assert vault.changes == 1, "what is there is adopted"
    act(vault).undo(data, quiet)
    assert vault.alive is None and vault.deleted == {1}
    act(vault).undo(data, quiet)
    assert vault.changes == 2, "and once is enough"


def test_it_can_be_written_again_after_it_was_taken_back() -> None:
    vault = MemoryVault()
    _, data = run(vault)
    act(vault).undo(data, quiet)
    _, again = run(vault)
    assert again["version"] == 2 and vault.alive == {"DB_PASSWORD": PASSWORD, "API_TOKEN": TOKEN}


def test_keys_of_others_stay_before_and_after() -> None:
    others = {"ADMIN": "a", "number": 7, "nested": {"x": [1]}}
    vault = MemoryVault(others)
    _, data = run(vault)
    assert vault.alive == {**others, "DB_PASSWORD": PASSWORD, "API_TOKEN": TOKEN}
    act(vault).undo(data, quiet)
    assert vault.alive == others and vault.deleted == {2}


def test_the_same_value_is_adopted_and_never_taken_away() -> None:
    vault = MemoryVault({"DB_PASSWORD": PASSWORD, "API_TOKEN": TOKEN})
    looked, data = run(vault)
    assert looked.seen is Seen.DONE and vault.changes == 0
    act(vault).undo(data, quiet)
    assert vault.alive is not None and vault.changes == 0


def test_a_part_that_was_there_stays() -> None:
    vault = MemoryVault({"DB_PASSWORD": PASSWORD})
    _, data = run(vault)
    assert data["keys"] == ["API_TOKEN"]
    act(vault).undo(data, quiet)
    assert vault.alive == {"DB_PASSWORD": PASSWORD}


def test_another_value_is_never_overwritten() -> None:
    vault = MemoryVault({"DB_PASSWORD": "somebody-elses"})
    looked = act(vault).look({})
    assert looked.seen is Seen.CHANGED and "DB_PASSWORD" in looked.words and "somebody" not in looked.words
    with pytest.raises(Refused) as caught:
        act(vault).do({}, quiet)
    shows_nothing(caught.value)
    assert vault.changes == 0


def test_who_writes_in_between_wins() -> None:
    vault = MemoryVault()

    class Raced(MemoryVault):
        def put(self, path: str, values: Mapping[str, Any], *, cas: int) -> int:
            self.kept.append({"theirs": "x"})
            return super().put(path, values, cas=cas)

    vault = Raced()
    with pytest.raises(Refused, match="Vault refuses"):
        act(vault).do({}, quiet)
    assert vault.kept == [{"theirs": "x"}]


@pytest.mark.parametrize("arrived", [True, False])
def test_a_lost_answer_is_seen_to_be_what_it_is(arrived: bool) -> None:
    vault = MemoryVault({"ADMIN": "a"})
    noted = act(vault).look({}).data
    (vault.after if arrived else vault.before).append(OutcomeUnknown("no answer"))
    with pytest.raises(OutcomeUnknown):
        act(vault).do(noted, quiet)
    looked = act(vault).look(noted)
    assert looked.seen is (Seen.DONE if arrived else Seen.NOT_DONE)
    if arrived:
        assert looked.data == {"base": 1, "keys": ["API_TOKEN", "DB_PASSWORD"], "version": 2}
    act(vault).undo(noted, quiet)
    assert vault.alive == {"ADMIN": "a"}


def test_without_a_note_from_before_nothing_is_taken_for_its_own() -> None:
    vault = MemoryVault()
    act(vault).do({}, quiet)
    looked = act(vault).look({})
    assert looked.data == {"base": 1, "keys": []}
    act(vault).undo(looked.data, quiet)
    assert vault.alive is not None


@pytest.mark.parametrize("point", range(4))
def test_an_undo_that_was_cut_off_ends_the_same(point: int) -> None:
    vault = MemoryVault({"ADMIN": "a"})
    _, data = run(vault)
    errors: list[BaseException | None] = [None] * (point // 2) + [OutcomeUnknown("no answer")]
    (vault.after if point % 2 else vault.before).extend(errors)
    with pytest.raises(OutcomeUnknown):
        act(vault).undo(data, quiet)
    act(vault).undo(data, quiet)
    assert vault.alive == {"ADMIN": "a"} and vault.deleted == {2} and len(vault.kept) == 3


def test_a_newer_version_of_somebody_else_stays() -> None:
    vault = MemoryVault()
    _, data = run(vault)
    vault.kept.append({**vault.kept[-1], "NEW": "x"})
    said: list[str] = []
    act(vault).undo(data, said.append)
    assert not vault.deleted and "newer" in said[0]
    assert act(vault).look(data).seen is Seen.DONE


def test_a_secret_without_a_value_needs_one_in_vault() -> None:
    bare = [planned("DB_PASSWORD", None)]
    with pytest.raises(Refused, match="DB_PASSWORD has no value"):
        act(MemoryVault(), bare).do({}, quiet)
    assert act(MemoryVault({"DB_PASSWORD": "x"}), bare).look({}).seen is Seen.DONE


def test_values_that_vault_cannot_keep_are_refused() -> None:
    vault = MemoryVault()
    with pytest.raises(Refused, match="UTF-8") as caught:
        act(vault, [planned(value=PASSWORD + "\udcff")]).do({}, quiet)
    shows_nothing(caught.value)
    several = [planned(), planned(value="other", service="db")]
    looked = act(vault, several).look({})
    with pytest.raises(Refused, match="several values"):
        act(vault, several).do(looked.data, quiet)
    assert vault.changes == 0


def test_each_path_is_an_action_of_its_own() -> None:
    other = PlannedSecret("db", "apps/db", "K", "K", "its name", "v")
    found = secret_actions([*BOTH, other], MemoryVault())
    assert [(a.name, a.title) for a in found] == [
        ("vault apps/db", "write 1 key to kv/apps/db"),
        ("vault apps/web", "write 2 keys to kv/apps/web"),
    ]


def test_what_the_token_lacks() -> None:
    found = may_write(MemoryVault(), ["apps/web", "apps/root", "apps/read", "closed"])
    assert found == {"apps/read": "may not create or update", "closed": "permission denied"}


class Cluster:
    """Secrets of one namespace."""

    def __init__(self, **secrets: Mapping[str, bytes]) -> None:
        self.secrets = secrets

    def read(self, namespace: str, name: str) -> Mapping[str, bytes]:
        if name not in self.secrets:
            raise NotFound(name)
        return self.secrets[name]


def test_the_secret_is_ready_when_it_is_there_with_the_same_values() -> None:
    values = {"secrets": {"web": {"path": PATH, "keys": {"DB_PASSWORD": "DB_PASSWORD", "API_TOKEN": "API_TOKEN"}}}}
    plan = StackPlan("wroclaw", "web", ("web",), (), values, BOTH)
    whole = {"DB_PASSWORD": PASSWORD.encode(), "API_TOKEN": TOKEN.encode()}
    assert not_ready(plan, Cluster(web=whole), "web") == ()
    assert "is not there yet" in not_ready(plan, Cluster(), "web")[0]
    assert not_ready(plan, Cluster(web={**whole, "API_TOKEN": b"old"}), "web") == (
        "API_TOKEN has another value in the cluster",
    )
    half = not_ready(plan, Cluster(web={"API_TOKEN": TOKEN.encode()}), "web")
    assert half == ("DB_PASSWORD is not in the cluster yet",)
    bare = StackPlan("wroclaw", "web", ("web",), (), values, (planned(value=None), BOTH[1]))
    assert not_ready(bare, Cluster(web={**whole, "DB_PASSWORD": b"from vault alone"}), "web") == ()
    in_vault = {PATH: {"DB_PASSWORD": "newer", "API_TOKEN": TOKEN}}
    assert not_ready(bare, Cluster(web=whole), "web", in_vault) == ("DB_PASSWORD has another value in the cluster",)


def failed(data: Mapping[str, Any], error: LabError) -> dict[str, Any]:
    """What the engine keeps of an action that was begun and failed."""
    return {**data, LEFT: dict(error.left)}


def test_what_a_person_writes_after_a_refusal_is_theirs() -> None:
    """The refusal says to write it by hand. An undo must not take that away again."""
    vault, bare = MemoryVault({"ADMIN": "a"}), [planned("DB_PASSWORD", None)]
    begun = act(vault, bare).look({}).data
    with pytest.raises(Refused, match="has no value") as refused:
        act(vault, bare).do(begun, quiet)
    noted = failed(begun, refused.value)
    vault.kept.append({"ADMIN": "a", "DB_PASSWORD": "by-hand"})
    looked = act(vault, bare).look(noted)
    assert looked.seen is Seen.DONE and looked.data["keys"] == []
    for data in (noted, {**noted, **looked.data}):
        act(vault, bare).undo(data, quiet)
        assert vault.alive == {"ADMIN": "a", "DB_PASSWORD": "by-hand"} and vault.changes == 0


def test_what_somebody_writes_at_the_same_moment_is_theirs() -> None:
    class Raced(MemoryVault):
        def put(self, path: str, values: Mapping[str, Any], *, cas: int) -> int:
            self.kept.append({"DB_PASSWORD": PASSWORD, "API_TOKEN": TOKEN})
            return super().put(path, values, cas=cas)

    vault = Raced()
    begun = act(vault).look({}).data
    with pytest.raises(Refused, match="Vault refuses") as refused:
        act(vault).do(begun, quiet)
    noted = failed(begun, refused.value)
    assert act(vault).look(noted).data["keys"] == []
    act(vault).undo(noted, quiet)
    assert not vault.deleted


def test_an_undo_that_fails_does_not_forget_whose_a_version_is() -> None:
    vault, bare = MemoryVault(), [planned("DB_PASSWORD", None)]
    begun = act(vault, bare).look({}).data
    with pytest.raises(Refused) as refused:
        act(vault, bare).do(begun, quiet)
    noted = failed(begun, refused.value)
    vault.kept.append({"DB_PASSWORD": "by-hand"})

    class Away(MemoryVault):
        def newest(self, path: str) -> StoredSecret:
            raise Unreachable("Vault does not answer", "connection refused")

    with pytest.raises(Unreachable) as away:
        act(Away(), bare).undo(noted, quiet)
    act(vault, bare).undo(failed(noted, away.value), quiet)
    assert vault.alive == {"DB_PASSWORD": "by-hand"}
