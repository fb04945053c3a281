"""The tree of a mount: listings in, changes out."""

from __future__ import annotations

from labtui.adapters.vault.tree import DEEPEST, MOST_PATHS, Tree
from labtui.domain.changes import Remove, Upsert
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources.vault import SecretPath

SOURCE = SourceId(SourceKind.VAULT, "vault.example.org")


def tree() -> Tree:
    made = Tree(SOURCE, "kv")
    made.listed("", ["apps/", "loose"])
    made.listed("apps/", ["immich", "media/"])
    return made


def described(made: Tree, name: str, version: int = 3) -> SecretPath:
    row = SecretPath(made.ref(name), version=version)
    made.described(row)
    return row


def test_a_listing_makes_rows() -> None:
    made = tree()
    assert sorted(made.rows) == ["apps/", "apps/immich", "apps/media/", "loose"]
    assert made.rows["apps/"].open and not made.rows["apps/media/"].open
    assert made.secrets == ("apps/immich", "loose")
    assert made.ref("apps/immich") == Ref(SOURCE, "Secret", "kv", "apps/immich")
    assert made.rows["apps/immich"].path == "kv/apps/immich"


def test_the_same_listing_again_changes_nothing() -> None:
    made = tree()
    row = described(made, "apps/immich")
    assert made.listed("apps/", ["media/", "immich"]) == ()
    assert made.described(row) == ()
    assert made.rows["apps/immich"] is row


def test_what_is_no_longer_listed_goes_with_all_below_it() -> None:
    made = tree()
    made.listed("apps/media/", ["emby"])
    changes = made.listed("", ["loose"])
    gone = {c.ref.name for c in changes if isinstance(c, Remove)}
    assert gone == {"apps/", "apps/immich", "apps/media/", "apps/media/emby"}
    assert made.open_folders == ("",)


def test_a_secret_and_a_folder_of_one_name_are_two() -> None:
    made = Tree(SOURCE, "kv")
    made.listed("", ["app", "app/"])
    made.listed("app/", ["key"])
    made.listed("", ["app/"])
    assert sorted(made.rows) == ["app/", "app/key"]


def test_a_refused_folder_says_why_and_forgets_what_was_in_it() -> None:
    made = tree()
    changes = made.refused("apps/media/", "permission denied")
    assert changes == (Upsert(made.rows["apps/media/"]),)
    assert made.rows["apps/media/"].denied == "permission denied"
    assert made.refused("apps/media/", "permission denied") == ()
    made.refused("apps/", "no")
    assert "apps/immich" not in made.rows
    # it is asked for itself
    assert "apps/media/" in made.rows
    assert made.listed("apps/", ["immich"])
    assert made.rows["apps/"].denied == ""


def test_a_refused_top_has_no_row() -> None:
    made = Tree(SOURCE, "kv")
    assert made.refused("", "permission denied") == ()
    assert made.listed("apps/", ["one"])
    assert made.refused("", "permission denied") == ()
    assert sorted(made.rows) == ["apps/", "apps/one"]


def test_only_shallow_folders_invite() -> None:
    made = Tree(SOURCE, "kv")
    folder = ""
    while folder in made.inviting() or not folder:
        made.listed(folder, ["next/"])
        folder += "next/"
    assert folder.count("/") == DEEPEST + 1
    assert not made.rows[folder].open


def test_a_full_tree_invites_no_more() -> None:
    made = Tree(SOURCE, "kv")
    made.listed("", ["folder/", *(f"s{n}" for n in range(MOST_PATHS))])
    assert made.inviting() == ()


def test_names_that_a_url_would_fold_away_are_shown_but_not_asked_for() -> None:
    made = Tree(SOURCE, "kv")
    made.listed("", ["..", "../", "fine"])
    assert made.secrets == ("fine",)
    assert made.inviting() == ()
    assert made.rows[".."].denied and made.rows["../"].denied


def test_metadata_of_what_is_gone_is_dropped() -> None:
    made = tree()
    assert made.described(SecretPath(made.ref("apps/other"), version=1)) == ()
    assert "apps/other" not in made.rows
    assert made.gone("apps/other") == ()
    assert made.gone("loose") == (Remove(made.ref("loose")),)


def test_metadata_is_remembered_over_a_reconnection() -> None:
    former = tree()
    row = described(former, "apps/immich")
    again = tree()
    again.recall(former)
    assert again.rows["apps/immich"] == row
    assert not again.rows["apps/media/"].open
    assert [r.ref.name for r in again.resync().resources if isinstance(r, SecretPath)] == sorted(again.rows)
