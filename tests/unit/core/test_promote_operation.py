"""`labtui promote` on real repositories: plan, commit, and every reason not to."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from labtui.adapters.git import GitRepository
from labtui.core.audit import MemoryAudit
from labtui.core.clock import SystemClock
from labtui.core.executor import Executor
from labtui.core.operations.promote import Promote
from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.domain.plan import Outcome, Plan, Result

RULES = "environment: [traffic, ingress.host]\nsizes: [size]\nwords: [{homelab: example.org, staging: staging.example.org}]\n"


def entry(environment: str, *, enabled: bool = True, path: str = "charts/app") -> str:
    return (
        "layers:\n  applications:\n    applications:\n"
        f"      - {{name: web, enabled: {str(enabled).lower()}, path: {path}, namespace: web, "
        f"helm: {{valueFiles: [/m/values/{environment}/web.yaml, /m/values/shared.yaml]}}}}\n"
        "      - {name: bare, enabled: true, path: charts/app, namespace: bare}\n"
    )


FILES = {
    "m/promote.yaml": RULES,
    "m/app-of-apps/values/homelab.yaml": entry("homelab"),
    "m/app-of-apps/values/staging.yaml": entry("staging"),
    "m/values/shared.yaml": "x: 1\n",
    "m/values/homelab/web.yaml": "traffic: docker # for now\ningress: {host: web.example.org}\nimage: web:1 # pinned\n",
    "m/values/staging/web.yaml": "traffic: kubernetes\ningress: {host: web.staging.example.org}\nimage: web:2\n",
}


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


class Lab:
    """A remote, the operator's clone, and an executor."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.clone = folder / "lab.git", folder / "lab"
        git(folder, "init", "-q", "--bare", "-b", "main", str(self.bare))
        git(folder, "clone", "-q", str(self.bare), str(self.clone))
        for key, value in (("user.name", "Ada"), ("user.email", "ada@example.org"), ("commit.gpgsign", "false")):
            git(self.clone, "config", key, value)
        git(self.clone, "switch", "-q", "-C", "main")
        self.audit = MemoryAudit()
        self.executor = Executor(self.audit, SystemClock(), by="ada@host")
        self.commit(FILES)

    def commit(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
            (self.clone / name).write_text(text)
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-q", "-m", "files")
        git(self.clone, "push", "-q", "origin", "main")

    def promote(self, application: str = "web", source: str = "staging", target: str = "homelab") -> Promote:
        return Promote(GitRepository(self.clone), "m", application, source, target)

    def run(self, operation: Promote, plan: Plan) -> Outcome:
        return self.executor.run(operation, self.executor.confirm(plan), lambda phase, text: None)

    def at_remote(self, path: str) -> str:
        return git(self.bare, "show", f"main:{path}") + "\n"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_one_commit_with_what_the_plan_showed(lab: Lab) -> None:
    operation = lab.promote()
    plan = operation.plan()
    assert not plan.refusals
    assert plan.steps[0].title == "Change image in m/values/homelab/web.yaml"
    (item,) = plan.diff
    assert [line for line in item.lines if line[0] in "+-" and line[:3] not in ("+++", "---")] == [
        "-image: web:1 # pinned",
        "+image: web:2 # pinned",
    ]
    before = git(lab.bare, "rev-parse", "main")
    outcome = lab.run(operation, plan)
    assert outcome.result is Result.DONE, outcome.message
    assert outcome.data["commit"] == git(lab.bare, "rev-parse", "main")
    assert (
        git(lab.bare, "log", "-1", "--format=%P|%an|%s", "main") == f"{before}|Ada|Promote web from staging to homelab"
    )
    assert "- m/values/homelab/web.yaml: image" in git(lab.bare, "log", "-1", "--format=%b", "main")
    wanted = FILES["m/values/homelab/web.yaml"].replace("web:1", "web:2")
    assert lab.at_remote("m/values/homelab/web.yaml") == wanted
    assert git(lab.bare, "diff", "--name-only", before, "main") == "m/values/homelab/web.yaml"
    assert [e["event"] for e in lab.audit.entries()] == ["intent", "outcome"]


def test_nothing_to_promote_changes_nothing_and_is_no_audit_line(lab: Lab) -> None:
    lab.commit({"m/values/homelab/web.yaml": FILES["m/values/homelab/web.yaml"].replace("web:1", "web:2")})
    head = git(lab.bare, "rev-parse", "main")
    operation = lab.promote()
    plan = operation.plan()
    assert not plan.changes and not plan.steps and not plan.diff
    assert lab.run(operation, plan).result is Result.DONE
    assert git(lab.bare, "rev-parse", "main") == head and not list(lab.audit.entries())


def test_a_remote_that_moved_on_since_the_plan_is_refused(lab: Lab) -> None:
    operation = lab.promote()
    plan = operation.plan()
    lab.commit({"other": "x"})
    head = git(lab.bare, "rev-parse", "main")
    outcome = lab.run(operation, plan)
    assert outcome.result is Result.REFUSED and "have changed since this plan" in outcome.message
    assert git(lab.bare, "rev-parse", "main") == head


def test_a_commit_between_the_last_look_and_the_push_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    files = GitRepository(lab.clone)
    operation = Promote(files, "m", "web", "staging", "homelab")
    plan = operation.plan()
    write = files.write

    def late(*arguments: object) -> object:
        lab.commit({"other": "x"})
        return write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "write", late)
    outcome = lab.run(operation, plan)
    assert outcome.result is Result.FAILED and "Somebody pushed to git meanwhile" in outcome.message
    assert git(lab.bare, "log", "-1", "--format=%s", "main") == "files"


def test_what_must_not_be_promoted_is_refused_with_what_to_do(lab: Lab) -> None:
    staging = FILES["m/values/staging/web.yaml"]
    lab.commit(
        {
            "m/values/staging/web.yaml": staging + "url: https://web.lab.internal/x\n",
            "m/values/homelab/web.yaml": "image: web:1\n",
        }
    )
    (first, second) = lab.promote().plan().refusals
    assert "traffic belongs to an environment and homelab has none" in first
    assert "ingress.host" in second and "m/values/homelab/web.yaml" in second
    lab.commit(
        {
            "m/values/homelab/web.yaml": FILES["m/values/homelab/web.yaml"],
            "m/values/staging/web.yaml": staging.replace("web.staging.example.org", "web.lab.internal")
            + "url: https://web.lab.internal/x\n",
        }
    )
    operation = lab.promote()
    plan = operation.plan()
    (refusal,) = plan.refusals
    assert "url names something of staging" in refusal and "m/promote.yaml" in refusal
    assert lab.run(operation, plan).result is Result.REFUSED


def test_what_is_odd_about_the_target_is_a_warning(lab: Lab) -> None:
    lab.commit({"m/app-of-apps/values/homelab.yaml": entry("homelab", enabled=False, path="charts/old")})
    lab.commit({"m/values/staging/web.yaml": FILES["m/values/staging/web.yaml"] + "size: 5\n"})
    warnings = "\n".join(lab.promote().plan().warnings)
    assert "not enabled in homelab" in warnings and "charts/old" in warnings and "size is new" in warnings


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("wep", "staging", "homelab"), NotFound, "Did you mean web"),
        (("web", "nowhere", "homelab"), NotFound, "no environment nowhere"),
        (("bare", "staging", "homelab"), Refused, "no value files"),
        (("web", "staging", "staging"), Invalid, "to itself"),
        (("web", "../staging", "homelab"), Invalid, "no environment"),
    ],
)
def test_wrong_usage(lab: Lab, arguments: tuple[str, str, str], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as found:
        lab.promote(*arguments).plan()
    assert words in str(found.value)


def test_without_rules_nothing_is_guessed(lab: Lab) -> None:
    git(lab.clone, "rm", "-q", "m/promote.yaml")
    lab.commit({})
    with pytest.raises(Refused, match=r"m/promote\.yaml is missing"):
        lab.promote().plan()


def test_a_target_without_the_file_is_told_what_to_begin_with(lab: Lab) -> None:
    git(lab.clone, "rm", "-q", "m/values/homelab/web.yaml")
    lab.commit({})
    with pytest.raises(Refused) as found:
        lab.promote().plan()
    assert "m/values/homelab/web.yaml" in str(found.value) and "ingress.host" in str(found.value)
