"""The GitOps repository through the git program: reads beside, commits beside, never touches the user's checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from labtui.domain.errors import Denied, Invalid, LabError, NotFound, OutcomeUnknown, Refused, Unreachable
from labtui.ports import Commit

_REVISION = re.compile(r"[0-9a-f]{7,64}\Z")
_SCP = re.compile(r"(?:[^/@]+@)?(?P<host>[^/:]+):(?P<path>.+)\Z")
_SECONDS = 30


class GitRepository:
    """A clone (`folder`), its `remote` and the `branch` that Argo CD follows."""

    def __init__(self, folder: Path, remote: str = "origin", branch: str = "main") -> None:
        for name in (remote, branch):
            if name.startswith("-"):
                raise Invalid(f"{name!r} is no name of a remote or a branch", "in section gitops of the estate file")
        self.folder = folder
        self.remote = remote
        self.branch = branch

    # Asking

    def serves(self, repo_url: str) -> bool:
        """Is this the clone of that repository? Compares addresses whatever their spelling (ssh, https, a path)."""
        urls = self._git("remote", "get-url", "--all", "--", self.remote).split()
        wanted = _canonical(repo_url)
        return any(_canonical(url) == wanted for url in urls)

    def head(self) -> str:
        """The revision of the branch at the remote, asked now."""
        answer = self._git("ls-remote", "--exit-code", "--", self.remote, f"refs/heads/{self.branch}")
        revision = answer.split("\t", 1)[0].strip()
        if not _REVISION.match(revision):
            raise NotFound(f"The remote {self.remote} has no branch {self.branch}")
        return revision

    def commits(self, old: str, new: str, paths: Sequence[str]) -> tuple[Commit, ...]:
        """The commits after `old` up to `new` that touch `paths`, newest first."""
        self._known(old)
        self._known(new)
        text = self._git("log", "-z", "--format=%H%x1f%s%x1f%an%x1f%aI", f"{old}..{new}", "--", *_literal(paths))
        found = []
        for entry in text.split("\0"):
            revision, _, rest = entry.partition("\x1f")
            subject, author, date = [*rest.split("\x1f"), "", "", ""][:3]
            if revision:
                found.append(Commit(revision, subject, author, datetime.fromisoformat(date) if date else None))
        return tuple(found)

    def touched(self, revision: str, paths: Sequence[str], number: int = 50) -> tuple[Commit, ...]:
        """See `ports.stacks.GitHistory`."""
        self._known(revision)
        form = "--format=%H%x1f%s%x1f%an%x1f%aI%x1f%b"
        found = []
        for entry in self._git("log", "-z", f"-n{number:d}", form, revision, "--", *_literal(paths)).split("\0"):
            parts = [*entry.split("\x1f", 4), "", "", "", ""]
            if parts[0]:
                date = datetime.fromisoformat(parts[3]) if parts[3] else None
                found.append(Commit(parts[0], parts[1], parts[2], date, parts[4]))
        return tuple(found)

    def contains(self, revision: str, older: str) -> bool:
        """See `ports.stacks.GitHistory`."""
        try:
            self._known(revision)
            self._known(older)
        except (NotFound, Refused):
            return False
        return not self._git("rev-list", "-n1", older, f"^{revision}").strip()

    def below(self, revision: str, folder: str) -> tuple[str, ...]:
        """See `ports.stacks.GitHistory`."""
        self._known(revision)
        found = self._git("ls-tree", "-r", "-z", "--name-only", "--full-tree", revision, "--", f"{_inside(folder)}/")
        return tuple(sorted(path for path in found.split("\0") if path))

    def obstacles(self, paths: Sequence[str]) -> tuple[str, ...]:
        """See `ports.stacks.GitHistory`. Fetches the branch first, and changes nothing in the checkout."""
        found = []
        try:
            self._git("var", "GIT_COMMITTER_IDENT")
        except LabError as error:
            found.append(f"git does not know who you are ({error.cause}): set user.name and user.email")
        edited = self._git("status", "--porcelain", "-z", "--untracked-files=all", "--", *_literal(paths)).split("\0")
        names = ", ".join(entry[3:] for entry in edited if entry)
        if names:
            found.append(f"The clone {self.folder} has edits that are not committed in {names}: commit or stash them")
        head = self.head()
        self._known(head)
        mine = self._git("for-each-ref", "--format=%(objectname)", f"refs/heads/{self.branch}").strip()
        if mine:
            ahead, behind = (
                int(self._git("rev-list", "--count", span).strip()) for span in (f"{head}..{mine}", f"{mine}..{head}")
            )
            own = "1 commit" if ahead == 1 else f"{ahead} commits"
            if ahead and behind:
                words = f"has diverged: {own} of its own, {behind} behind {self.remote}"
                found.append(f"The branch {self.branch} of the clone {words}: git pull --rebase, then git push")
            elif ahead:
                found.append(f"The branch {self.branch} of the clone has {own} that {self.remote} has not: git push")
        return tuple(found)

    def restore_diff(self, revision: str, paths: Sequence[str]) -> str:
        """Unified diff from the branch's head at the remote to `paths` as they were in `revision`."""
        head = self.head()
        self._known(revision)
        self._known(head)
        return self._git("diff", "--no-color", "--no-ext-diff", head, revision, "--", *_literal(paths))

    def read(self, revision: str, path: str) -> str:
        """A file's text at a revision. Raises NotFound when it is not there, Invalid when it is not UTF-8."""
        self._known(revision)
        name = _inside(path)
        if not self._git("ls-tree", "-z", revision, "--", name).startswith("100"):
            raise NotFound(f"The repository has no file {name}", f"at {revision[:12]} of {self.branch}")
        text = self._git("cat-file", "blob", f"{revision}:{name}")
        if "\ufffd" in text:
            raise Invalid(f"{name} is not UTF-8", f"at {revision[:12]} of {self.branch}")
        return text

    def seen(self, path: str) -> str | None:
        """A file as the operator has it: the checkout's where it was touched there, else the branch's as last known here."""
        name = _inside(path)
        top = Path(self._git("rev-parse", "--show-toplevel").rstrip("\n"))
        known = f"refs/remotes/{self.remote}/{self.branch}"
        revision = self._git("for-each-ref", "--count=1", "--format=%(objectname)", known).strip()
        if not revision or self._touched_here(name, known):
            return _text_of(top / name)
        try:
            return GitRepository(top, self.remote, self.branch).read(revision, name)
        except NotFound:
            return None

    def _touched_here(self, name: str, known: str) -> bool:
        """Has the checkout another text of it, or a commit on it that is not pushed?"""
        edited = self._git("status", "--porcelain", "--untracked-files=all", "--", *_literal([name]))
        return bool(edited.strip() or self._git("rev-list", "-n1", f"{known}..HEAD", "--", *_literal([name])).strip())

    # Changing

    def write(
        self, base: str, files: Mapping[str, str | None], message: str, ready: Callable[[], None] = lambda: None
    ) -> Commit:
        """Commit these files on top of `base`, which has to be the remote's head, and push (see `ports.stacks.GitHistory`)."""
        self._known(base)
        with self._worktree(base) as tree:
            for path, text in files.items():
                if text is None:
                    self._git("rm", "--quiet", "--ignore-unmatch", "--", *_literal([_inside(path)]), folder=tree)
                else:
                    self._write_file(tree, _inside(path), text)
            if not self._git("status", "--porcelain", folder=tree):
                raise Refused("git already has it", f"{', '.join(files)} at {base[:7]}")
            return self._commit(tree, base, message, ready)

    def _write_file(self, tree: Path, name: str, text: str) -> None:
        file = tree / name
        if file.resolve() != tree.resolve() / name:
            raise Refused(f"{name} is a symbolic link, or below one", "", "Change the file that it leads to")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
        self._git("add", "--", *_literal([name]), folder=tree)

    def _commit(self, tree: Path, head: str, message: str, ready: Callable[[], None] = lambda: None) -> Commit:
        self._git("commit", "--quiet", "--no-verify", "--file=-", folder=tree, text=message)
        made = self._git("rev-parse", "HEAD", folder=tree).strip()
        ready()
        self._push(tree, head, made)
        return Commit(made, message.splitlines()[0])

    def revert(self, revision: str, message: str, ready: Callable[[], None] = lambda: None) -> Commit:
        """See `ports.stacks.GitHistory`."""
        head = self.head()
        self._known(revision)
        self._known(head)
        full = self._git("rev-parse", "--verify", f"{revision}^{{commit}}").strip()
        short = full[:7]
        if not self.contains(head, full):
            raise Refused(f"{short} is not on the branch {self.branch} of {self.remote}", "there is nothing to revert")
        if len(self._git("rev-list", "--parents", "-n1", full).split()) > 2:
            raise Refused(f"{short} is a merge", "labtui reverts single commits", "Revert it by hand: git revert -m 1")
        with self._worktree(head) as tree:
            self._revert_in(tree, full)
            if not self._git("status", "--porcelain", folder=tree):
                raise Refused("git already has it", f"what {short} did is undone on the branch {self.branch}")
            return self._commit(tree, head, f"{message.rstrip()}\n\nThis reverts commit {full}.\n", ready)

    def _revert_in(self, tree: Path, revision: str) -> None:
        try:
            self._git("-c", "revert.reference=false", "revert", "--no-commit", revision, folder=tree)
        except LabError as error:
            files = self._git("diff", "--name-only", "-z", "--diff-filter=U", folder=tree).replace("\0", " ").strip()
            if not files:
                raise
            raise Refused(
                f"{revision[:7]} cannot be reverted by itself: later commits changed the same lines",
                f"git revert ends in a conflict in {files}",
                f"Look at git log -- {files}; git revert {revision[:12]} by hand, settle the conflict, push, then go on",
            ) from error

    def restore(self, revision: str, paths: Sequence[str], message: str) -> Commit:
        """Commit `paths` as they were in `revision` on top of the remote's head, and push it there."""
        head = self.head()
        self._known(revision)
        self._known(head)
        with self._worktree(head) as tree:
            for path in paths:
                self._restore_path(tree, revision, path)
            if not self._git("status", "--porcelain", folder=tree):
                raise Refused(
                    "git already has it", f"{', '.join(paths)} at {revision[:7]} equals the branch {self.branch}"
                )
            return self._commit(tree, head, message)

    def _restore_path(self, tree: Path, revision: str, path: str) -> None:
        literal = _literal([path])
        self._git("rm", "-r", "--quiet", "--ignore-unmatch", "--cached", "--", *literal, folder=tree)
        if self._git("ls-tree", "-r", "--name-only", revision, "--", *_plain(path), folder=tree).strip():
            self._git("checkout", revision, "--", *literal, folder=tree)
        else:  # it did not exist then
            self._git("clean", "-fdq", "--", *literal, folder=tree)
        # what the older revision does not have is out of the index, but still in the folder
        self._git("clean", "-fdqx", "--", *literal, folder=tree)

    def _push(self, tree: Path, head: str, made: str) -> None:
        branch = f"refs/heads/{self.branch}"
        try:
            # the lease makes it a compare-and-swap: never over somebody else's commit
            self._git(
                "push", "--quiet", f"--force-with-lease={branch}:{head}", self.remote, f"HEAD:{branch}", folder=tree
            )
        except LabError as error:
            if "hook declined" in error.detail or "protected branch" in error.detail:
                raise Refused(
                    f"{self.remote} does not take commits on {self.branch} from you", error.detail, "Nothing was pushed"
                ) from error
            if "stale info" in error.detail or "rejected" in error.detail or "fetch first" in error.detail:
                raise Refused(
                    "Somebody pushed to git meanwhile", error.detail, "Nothing was pushed; look at the plan again"
                ) from error
            if isinstance(error, Denied | Invalid) or not self._arrived(made, error):
                raise

    def _arrived(self, made: str, error: LabError) -> bool:
        """A push that failed may have been taken, and only its answer lost. Raises OutcomeUnknown when nobody can tell."""
        try:
            return self.contains(self.head(), made)
        except LabError as silent:
            hint = f"Look whether {self.remote} has {made[:12]} once it answers"
            raise OutcomeUnknown("git push got no answer", f"{error.cause}; then {silent.cause}", hint) from error

    @contextmanager
    def _worktree(self, revision: str) -> Iterator[Path]:
        """A checkout of its own in a temporary folder, gone afterwards."""
        parent = Path(tempfile.mkdtemp(prefix="labtui-git-"))
        tree = parent / "tree"
        try:
            self._git("worktree", "add", "--quiet", "--detach", str(tree), revision)
            yield tree
        finally:
            shutil.rmtree(parent, ignore_errors=True)
            self._git("worktree", "prune")

    def _known(self, revision: str) -> None:
        """Make sure that the clone has this commit. Raises NotFound when the remote does not have it either."""
        if not _REVISION.match(revision):
            raise Refused(f"{revision!r} is no commit", "", "Only a revision that is a git commit can be restored")
        if not self._has(revision):
            refs = f"+refs/heads/{self.branch}:refs/remotes/{self.remote}/{self.branch}"
            self._git("fetch", "--quiet", "--no-tags", "--", self.remote, refs)
            if not self._has(revision):
                raise NotFound(f"The repository {self.folder} has no commit {revision[:12]}, nor has its remote")

    def _has(self, revision: str) -> bool:
        try:
            self._git("cat-file", "-e", f"{revision}^{{commit}}")
        except LabError:
            return False
        return True

    def _git(self, *arguments: str, folder: Path | None = None, text: str | None = None) -> str:
        """Run git there, never through a shell, never asking at the terminal. Errors come with git's own words."""
        quiet = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_EDITOR": "true", "GIT_LITERAL_PATHSPECS": "0"}
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX"))
        } | quiet
        try:
            done = subprocess.run(
                ["git", "-C", str(folder or self.folder), *arguments],
                input=None if text is None else text.encode(),
                stdin=subprocess.DEVNULL if text is None else None,
                capture_output=True,
                env=environment,
                timeout=_SECONDS,
                check=False,
                start_new_session=True,  # no controlling terminal: ssh cannot ask there for a passphrase
            )
        except FileNotFoundError as error:
            raise Refused("The git program is missing", "", "Install git and try again") from error
        except subprocess.TimeoutExpired as error:
            if arguments[0] == "push":
                raise OutcomeUnknown(f"git push did not end in {_SECONDS} s", f"remote {self.remote}") from error
            raise Unreachable(f"git {arguments[0]} did not end in {_SECONDS} s", f"remote {self.remote}") from error
        if done.returncode:
            raise _failure(arguments[0], done.stderr.decode("utf-8", "replace").strip())
        return done.stdout.decode("utf-8", "replace")  # line ends as they are: a file may have CR LF


def _failure(command: str, words: str) -> LabError:
    last = re.sub(r"//[^/@\s]+@", "//", words)  # an address may hold a password
    low = last.lower()
    if any(w in low for w in ("not a git repository", "cannot change to", "does not appear to be a git")):
        hint = "Correct gitops.repository and gitops.remote in the estate file"
        return Invalid("The GitOps folder is no git repository, or has no such remote", last, hint)
    if any(
        w in low for w in ("could not read username", "permission denied", "authentication failed", "access denied")
    ):
        return Denied(f"git {command} was not allowed", last, "Check the credentials that git uses for the remote")
    if any(w in low for w in ("could not resolve", "connection refused", "timed out", "could not read from remote")):
        return Unreachable(f"git {command} could not reach the remote", last)
    return Refused(f"git {command} failed", last or "without a word")


def _literal(paths: Sequence[str]) -> list[str]:
    """Paths as pathspecs from the top of the repository, without any magic in their names."""
    names = (path.strip("/").removeprefix("./") for path in paths)
    return [f":(top,literal){'' if name == '.' else name}" for name in names]


def _plain(path: str) -> list[str]:
    """A path for `git ls-tree`, which takes no pathspec magic; the whole tree is no path at all."""
    name = path.strip("/").removeprefix("./")
    return [] if name in (".", "") else [name]


def _inside(path: str) -> str:
    """A file's path from the top of the repository. Raises Invalid when it leads out of it, or into git's own folder."""
    name = path.strip("/").removeprefix("./")
    if not name or any(part in ("", ".", "..") or part.lower() == ".git" for part in name.split("/")):
        raise Invalid(f"{path!r} is no path of a file in the repository")
    return name


def _text_of(place: Path) -> str | None:
    try:
        return place.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{place} cannot be read", str(error)) from error


def _canonical(url: str) -> str:
    """`git@host:me/lab.git`, `ssh://git@host/me/lab` and `https://host/me/lab.git` are one repository."""
    url = url.strip()
    if "://" not in url:
        scp = None if url.startswith(("/", ".")) else _SCP.match(url)
        if scp:
            return f"{scp['host'].lower()}/{scp['path'].strip('/').removesuffix('.git')}"
        return str(Path(url).expanduser().resolve()).removesuffix(".git")
    parts = urlsplit(url)
    if parts.scheme == "file":
        return str(Path(parts.path).resolve()).removesuffix(".git")
    host = (parts.hostname or "").lower()
    return f"{host}/{parts.path.strip('/').removesuffix('.git')}"
