"""The files of the simulated repository: those of manifests/, and what has been committed over them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from labtui.demo.merging import Conflict, merged
from labtui.demo.objects import Manifest, images, pod_template
from labtui.demo.repository import BRANCH, Repository
from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.ports import Commit

if TYPE_CHECKING:
    from labtui.demo.deploying import Deploying

Texts = Mapping[str, str | None]  # None: taken away
_TOP = "manifests"


class DemoFiles:
    """Implements `ports.stacks.GitHistory`. Nobody has a checkout of it here.

    A new image in a value file of the script is a new image in what is rendered from it; other applications are rendered by
    `deploying`, which is made when it is first needed. `folders` hold what manifests/ had at first; `answer` raises when the
    remote does not answer.
    """

    def __init__(
        self,
        repository: Repository,
        folders: Sequence[Path],
        deploying: Callable[[], Deploying] | None = None,
        answer: Callable[[], None] = lambda: None,
    ) -> None:
        self._repository, self._folders, self._answer = repository, folders, answer
        self._make = deploying
        self._made: Deploying | None = None
        self._written: list[tuple[str, Texts]] = []  # revision, texts: oldest first

    # Asking

    def head(self) -> str:
        """The newest revision."""
        self._answer()
        return self._repository.head()

    def read(self, revision: str, path: str) -> str:
        """See `ports.GitFiles`."""
        self._repository.commit(revision)
        name = _inside(path)
        text = self._text(revision, name)
        if text is None:
            raise NotFound(f"The repository has no file {name}", f"at {revision[:12]} of {BRANCH}")
        return text

    def seen(self, path: str) -> str | None:
        """See `ports.GitFiles`: nobody has a checkout here."""
        return self._text(self._repository.head(), _inside(path))

    def _text(self, revision: str, name: str) -> str | None:
        for made, texts in reversed(self._written):
            if name in texts and self._repository.contains(revision, made):
                return texts[name]
        file = self._first(name)
        return file.read_text(encoding="utf-8") if file is not None else None

    def _first(self, name: str) -> Path | None:
        """Where the text is that a file had from the first commit on."""
        top, _, rest = name.partition("/")
        places = ((folder, folder / rest) for folder in self._folders) if top == _TOP and rest else ()
        return next((f for folder, f in places if f.resolve().is_relative_to(folder.resolve()) and f.is_file()), None)

    def below(self, revision: str, folder: str) -> tuple[str, ...]:
        """See `ports.stacks.GitHistory`."""
        self._repository.commit(revision)
        start = f"{_inside(folder)}/"
        names = self._first_names() | {name for _, texts in self._written for name in texts}
        return tuple(sorted(n for n in names if n.startswith(start) and self._text(revision, n) is not None))

    def touched(self, revision: str, paths: Sequence[str], number: int = 50) -> tuple[Commit, ...]:
        """See `ports.stacks.GitHistory`: by the texts of what was written, by what is rendered in the script's commits."""
        self._answer()
        self._repository.commit(revision)
        names = [path.strip("/").removeprefix("./") for path in paths]
        texts = dict(self._written)
        found: list[Commit] = []
        log = list(self._repository.log(revision))
        for commit, rendered in log:
            files: Collection[str] = texts.get(commit.revision, rendered)
            if commit is log[-1][0]:  # it brought everything that is there from the first
                files = {*files, *self._first_names()}
            if len(found) < number and any(_below(file, name) for file in files for name in names):
                found.append(commit)
        return tuple(found)

    def _first_names(self) -> set[str]:
        return {f"{_TOP}/{f.relative_to(top)}" for top in self._folders for f in top.rglob("*") if f.is_file()}

    def contains(self, revision: str, older: str) -> bool:
        """See `ports.stacks.GitHistory`."""
        return self._repository.knows(revision, older) and self._repository.contains(revision, older)

    def obstacles(self, paths: Sequence[str]) -> tuple[str, ...]:
        """See `ports.stacks.GitHistory`: without a checkout there are none."""
        self._answer()
        return ()

    # Changing

    def write(self, base: str, files: Texts, message: str, ready: Callable[[], None] = lambda: None) -> Commit:
        """See `ports.stacks.GitHistory`."""
        if base != self.head():
            raise Refused("Somebody pushed to git meanwhile", "", "Nothing was pushed; look at the plan again")
        named = {_inside(path): text for path, text in files.items()}
        new = {name: text for name, text in named.items() if self._text(base, name) != text}
        if not new:
            raise Refused("git already has it", f"{', '.join(named)} at {base[:7]}")
        ready()
        return self._commit(base, new, message)

    def revert(self, revision: str, message: str, ready: Callable[[], None] = lambda: None) -> Commit:
        """See `ports.stacks.GitHistory`."""
        head = self.head()
        full = self._repository.commit(revision).revision
        words = f"{message.rstrip()}\n\nThis reverts commit {full}.\n"
        texts = dict(self._written).get(full)
        if texts is None:
            ready()
            return self._repository.revert(full, words)
        before = self._repository.parent(full)
        new: dict[str, str | None] = {}
        for name, after in texts.items():
            now = self._text(head, name)
            try:
                back = merged(after, now, self._text(before, name))
            except Conflict as conflict:
                raise Refused(
                    f"{full[:7]} cannot be reverted by itself: later commits changed the same lines",
                    f"git revert ends in a conflict in {name}",
                    f"Look at git log -- {name}; settle it by hand, then go on",
                ) from conflict
            if back != now:
                new[name] = back
        if not new:
            raise Refused("git already has it", f"what {full[:7]} did is undone on the branch {BRANCH}")
        ready()
        return self._commit(head, new, words)

    def _commit(self, base: str, texts: Texts, message: str) -> Commit:
        def after(name: str) -> str | None:
            return texts[name] if name in texts else self._text(base, name)

        changes: dict[str, Manifest | None] = {}
        deploying = self._deploying()
        if deploying is not None:
            changes = deploying.changes(lambda name: self._text(base, name), after)
        for path, text in texts.items():
            if text is not None and (deploying is None or deploying.scripted(path)):
                changes |= self._with_new_images(base, path, text)
        subject, _, body = message.partition("\n")
        commit = self._repository.add(subject, "you@demo", self._repository.now(), changes, body.strip("\n"))
        self._written.append((commit.revision, dict(texts)))
        return commit

    def _deploying(self) -> Deploying | None:
        if self._made is None and self._make is not None:
            self._made = self._make()
        return self._made

    def _with_new_images(self, base: str, path: str, text: str) -> dict[str, Manifest]:
        new, old = _images(yaml.safe_load(text)), _images(yaml.safe_load(self._text(base, path) or ""))
        renamed = {old[name]: image for name, image in new.items() if old.get(name, image) != image}
        return {
            file: _with_images(manifest, renamed)
            for file, manifest in self._repository.files(base, (path,)).items()
            if set(images(manifest)) & set(renamed)
        }


def _inside(path: str) -> str:
    """A file's path from the top of the repository. Raises Invalid when it leads out of it, or into git's own folder."""
    name = path.strip("/").removeprefix("./")
    if not name or any(part in ("", ".", "..") or part.lower() == ".git" for part in name.split("/")):
        raise Invalid(f"{path!r} is no path of a file in the repository")
    return name


def _below(file: str, name: str) -> bool:
    return name == "." or file == name or file.startswith((f"{name}/", f"{name}#"))


def _images(values: Any) -> dict[str, str]:
    components = values.get("components") if isinstance(values, Mapping) else None
    return dict(_pairs(components)) if isinstance(components, Mapping) else {}


def _pairs(components: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, component in components.items():
        if isinstance(component, Mapping) and isinstance(component.get("image"), str):
            yield name, component["image"]


def _with_images(manifest: Manifest, renamed: Mapping[str, str]) -> Manifest:
    changed = copy.deepcopy(dict(manifest))
    for container in pod_template(changed)["spec"]["containers"]:
        container["image"] = renamed.get(container["image"], container["image"])
    return changed
