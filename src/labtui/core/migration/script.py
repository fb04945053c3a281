"""The actions of one migration, put together from what was agreed on and from what the estate offers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property

from labtui.core.lab import Lab
from labtui.core.migration.action import Action, Report
from labtui.core.migration.agreement import Agree, Agreement
from labtui.core.migration.checks_file import limits_of, loads_of, parse_checks, soak_plan, verify_plan
from labtui.core.migration.claims import judge_namesakes, judge_objects
from labtui.core.migration.fencing import Fence, FencedApplications, FencedCompose
from labtui.core.migration.gitops.adopt import Adopt, Adoption, Protect
from labtui.core.migration.gitops.applying import ApplyDelivery
from labtui.core.migration.gitops.argo import Argo
from labtui.core.migration.gitops.cluster import StackWorld, behind
from labtui.core.migration.gitops.commits import Commits
from labtui.core.migration.gitops.deliver import Delivery, GitDelivery, contains
from labtui.core.migration.gitops.marking import MarkNamespace
from labtui.core.migration.gitops.plan import DockerSide, Moving
from labtui.core.migration.gitops.retire import Drain, Mark, RestartOff, StopStack
from labtui.core.migration.gitops.values import Layout
from labtui.core.migration.places import Places
from labtui.core.migration.probing import Probed, Probes, Running
from labtui.core.migration.safety import preflight, safety_actions
from labtui.core.migration.secrets import SecretsReady
from labtui.core.migration.service import Listing
from labtui.core.migration.soak import Soak, SoakPlan
from labtui.core.migration.staying import Staying
from labtui.core.migration.verify import Verify, VerifyPlan
from labtui.core.migration.watching import Observation, Watcher
from labtui.core.operations.watching import Pace
from labtui.core.stackplan import PlannedStack
from labtui.core.stacks import MigrationTools
from labtui.domain.checks import Check
from labtui.domain.errors import LabError, Refused
from labtui.domain.migration.journal import About, Entry
from labtui.domain.migration.probes import Load, Side
from labtui.domain.migration.settings import CheckSettings
from labtui.domain.migration.steps import StepName
from labtui.domain.ref import Ref
from labtui.ports import Applications
from labtui.ports.migration import SideUse
from labtui.ports.stacks import GitHistory

log = logging.getLogger(__name__)

PODS_SECONDS, SYNC_SECONDS, STOP_SECONDS, SECRETS_SECONDS = 600.0, 300.0, 300.0, 120.0  # how long each is waited for


class Script:
    """The actions of one migration."""

    def __init__(
        self,
        lab: Lab,
        tools: MigrationTools,
        fence: Fence,
        about: About,
        agreed: Agreement,
        planned: PlannedStack | None,
        observe: Callable[[Observation], None],
        keep: Callable[[About, Running], None],
        entries: Sequence[Entry] = (),
        known: Callable[[], Listing] = lambda: Listing(()),
    ) -> None:
        """`known` answers all migrations of the estate."""
        self._known = known
        self._lab, self._tools, self._fence, self._about, self._agreed = lab, tools, fence, about, agreed
        self._given, self._observe, self._keep, self._entries = planned, observe, keep, entries

    @cached_property
    def _planned(self) -> PlannedStack:
        """Asked of the site when it is first needed: going back must not need a site that is away."""
        place = (self._about.site, self._about.stack)
        return self._given or self._lab.planning().plan(*place, self._agreed.answers)

    @cached_property
    def _settings(self) -> CheckSettings:
        """The operator's checks, as the clone has them. Raises Invalid."""
        files = self._lab.git_files
        if files is None:
            return CheckSettings()
        answers = self._lab.planning().answers_file(self._about.stack, self._about.site)
        path = answers.replace(".answers.yaml", ".checks.yaml")
        text = files.seen(path)
        return parse_checks(text, path) if text is not None else CheckSettings()

    @property
    def _times(self) -> CheckSettings:
        """The same for titles and limits: a file that is wrong stops what reads it when it is done, and never the way back."""
        try:
            return self._settings
        except LabError as error:
            log.warning("the operator's checks cannot be read: %s", error)
            return CheckSettings()

    def actions(self) -> tuple[Action, ...]:
        """In their order. Raises Invalid for checks that cannot be read, when the migration is a new one."""
        if not self._entries:
            _ = self._settings
        agreed, lab, about = self._agreed, self._lab, self._about
        moving, adoption = self._moving, self._adoption
        workload = moving.workload()
        if adoption is not None:  # its route is there already
            workload = (Protect(adoption), Adopt(adoption), *(a for a in workload if a.name != "route"))
        moves, retire = moving.cut_over(), self._retire()
        moved, retired = self._running, self._after
        middle: tuple[Action, ...]
        if moving.in_place:  # users wait meanwhile, which is announced and measured, and which no budget allows
            stay, secrets = self._staying, self._secrets(StepName.QUIESCE)
            middle = (*stay.verify(), *moving.quiesce(stay.before(), (*secrets, *stay.after())), *moves)
        else:
            verify = (self._verify(),) if self._places.door is not None else ()
            probed = (Probed(action, moved, last=action is moves[-1]) for action in moves)
            middle = (*self._secrets(StepName.WORKLOAD), *verify, *probed)
        return (
            Agree(agreed),
            *safety_actions(
                lab,
                (about.site, about.stack),
                agreed.secrets,
                lambda: self._planned.plan,
                about.id,
                self._preflight,
                self._fence,
            ),
            *workload,
            *middle,
            self._soak(),
            *(Probed(action, retired, last=action is retire[-1]) for action in retire),
        )

    # Parts

    def _secrets(self, step: StepName) -> tuple[Action, ...]:
        agreed, cluster = self._agreed, self._lab.cluster_secrets
        if not agreed.secrets or cluster is None:
            return ()
        return (SecretsReady(lambda: self._planned.plan, cluster, agreed.namespace, step=step),)

    @cached_property
    def _staying(self) -> Staying:
        tools, lab = self._tools, self._lab
        return Staying(
            self._subject,
            self._places,
            lambda: self._settings,
            lambda: self._planned.stack.services,
            tools.prober,
            lab.clock,
            tools.own,
            lab.pace,
            self._entries,
        )

    @cached_property
    def _world(self) -> StackWorld:
        agreed = self._agreed
        pace = replace(self._pace, limit=PODS_SECONDS)
        return StackWorld(self._tools.cluster, agreed.namespace, agreed.release, behind(agreed.values), pace)

    @cached_property
    def _pace(self) -> Pace:
        """That of the estate; while traffic is moved each wait holds the budget, too."""
        return replace(self._lab.pace, wait=self._running.wait)

    @cached_property
    def _layout(self) -> Layout:
        return Layout(self._lab.manifests, self._tools.environment)

    @cached_property
    def _commits(self) -> Commits:
        return Commits(self._history, self._about.id)

    @property
    def _history(self) -> GitHistory:
        if self._tools.history is None:
            raise Refused("The estate file names no GitOps repository", "", "Name it (gitops.repository)")
        return self._tools.history

    @cached_property
    def _argo(self) -> Argo:
        return Argo(
            FencedApplications(self._server, self._fence),
            contains(self._history),
            replace(self._pace, limit=SYNC_SECONDS),
        )

    @property
    def _server(self) -> Applications:
        return self._lab.argocd()

    @cached_property
    def _moving(self) -> Moving:
        agreed = self._agreed
        about, pace = self._about, replace(self._lab.pace, limit=STOP_SECONDS)
        control = FencedCompose(self._lab.compose_control(), self._fence)
        containers, answered = self._tools.containers, lambda: self._staying.answered()
        docker = DockerSide(about.site, about.stack, control, containers, answered, pace)
        return Moving(agreed.release, agreed.values, agreed.volumes, self._delivery(), self._world, docker)

    def _delivery(self) -> Delivery:
        agreed = self._agreed
        if agreed.application is None:
            charts = self._lab.planning().charts
            if charts is None:
                raise Refused("There is no chart to render the objects with")
            pace = replace(self._pace, limit=SECRETS_SECONDS)
            return ApplyDelivery(agreed.release, agreed.namespace, agreed.values, charts, self._tools.objects, pace)
        source = self._server.source
        parent = agreed.parent.ref(source) if agreed.parent else None
        return GitDelivery(
            self._commits,
            self._layout,
            agreed.release,
            agreed.namespace,
            agreed.values,
            self._argo,
            agreed.application.ref(source),
            parent,
        )

    @cached_property
    def _adoption(self) -> Adoption | None:
        agreed = self._agreed
        if agreed.route is None or agreed.old is None or agreed.application is None:
            return None
        source = self._server.source
        return Adoption(
            agreed.release,
            agreed.route,
            agreed.values,
            self._commits,
            self._layout,
            self._tools.objects,
            self._argo,
            agreed.old.ref(source),
            agreed.application.ref(source),
            agreed.parent.ref(source) if agreed.parent else None,
        )

    def _preflight(self) -> Sequence[Check]:
        agreed = self._agreed
        refs: list[Ref] = []
        if agreed.application is not None:
            source = self._server.source
            refs = [a.ref(source) for a in (agreed.parent, agreed.old, agreed.application) if a is not None]
        history = self._tools.history
        paths = (self._layout.list, self._layout.values(agreed.release))
        made = preflight(
            self._lab,
            self._planned,
            refs,
            obstacles=(lambda: history.obstacles(paths)) if history is not None else None,
            objects=() if refs else self._lab.planning().render(self._planned, agreed.namespace),
            namespace=agreed.namespace,
            place=self._place,
        )
        return tuple(made.checks())

    def _place(self) -> Iterator[Check]:
        yield judge_namesakes(self._known(), self._about, self._agreed.release)
        yield judge_objects(self._tools.objects, self._agreed)

    @cached_property
    def _places(self) -> Places:
        tools = self._tools
        return Places(self._agreed, tools.prober, tools.cluster, tools.objects, self._times.edge, self._times.trusted)

    @cached_property
    def _subject(self) -> str:
        door = self._places.door
        where = f" docker={door.host}:{door.published}" if door else ""
        return f"{self._agreed.release} {self._agreed.digest}{where}"

    @contextmanager
    def _watching(self, wait: Callable[[float], bool] | None = None) -> Iterator[Watcher]:
        """What both sides use is for the eye: where it cannot be measured they are watched all the same."""
        about, agreed = self._about, self._agreed
        with ExitStack() as stack:
            use: SideUse | None = None
            try:
                use = stack.enter_context(self._tools.use(about.site, about.stack, agreed.namespace, agreed.release))
            except LabError as error:
                log.warning("what both sides use cannot be measured: %s", error)
            yield Watcher(self._lab.clock, wait or self._sleep, use, self._observe)

    def _sleep(self, seconds: float) -> bool:
        self._lab.pace.wait(seconds)
        return False

    def _verify(self) -> Action:
        def find() -> VerifyPlan:
            return verify_plan(self._settings, self._places.sides(_quiet), self._planned.stack.services)

        tools, lab = self._tools, self._lab
        return Verify(self._subject, find, tools.prober, lab.clock, self._watching, tools.own)

    @cached_property
    def _running(self) -> Running:
        return self._probing(lambda load: True)

    @cached_property
    def _after(self) -> Running:
        """When the containers are stopped nobody asks them any more."""
        return self._probing(lambda load: load.target.side is not Side.DOCKER)

    def _probing(self, wanted: Callable[[Load], bool]) -> Running:
        def find(report: Report) -> Probes:
            sides = self._places.sides(report) if self._places.door is not None else None
            loads = loads_of(self._settings, sides) if sides is not None else ()
            return Probes(tuple(load for load in loads if wanted(load)), limits_of(self._settings, sides))

        made = Running(find, self._tools.prober, self._watching, self._lab.pace.wait)
        self._keep(self._about, made)
        return made

    def _soak(self) -> Action:
        times = self._times

        def find() -> SoakPlan:
            settings = self._settings
            sides = self._places.sides(_quiet) if self._places.door is not None else None
            plan = soak_plan(settings, sides, self._subject)
            # a container that is stopped by now cannot answer
            loads = tuple(load for load in plan.loads if load.target.side is not Side.DOCKER)
            return replace(plan, loads=loads) if self._moving.in_place else plan

        return Soak(self._subject, times.soak_seconds, find, self._tools.prober, self._watching)

    def _retire(self) -> tuple[Action, ...]:
        about, lab = self._about, self._lab
        pace = replace(self._lab.pace, wait=self._after.wait)
        world = replace(self._world, pace=replace(pace, limit=PODS_SECONDS))
        containers, control = self._tools.containers, FencedCompose(lab.compose_control(), self._fence)
        place = (about.site, about.stack)
        limit = self._times.drain_seconds
        found: tuple[Action, ...] = (
            Drain(*place, world, containers, lab.clock, limit, pace),
            RestartOff(*place, containers),
            StopStack(*place, control, world, replace(pace, limit=STOP_SECONDS), held=self._moving.in_place),
        )
        agreed = self._agreed
        if agreed.application is None:
            return (*found, MarkNamespace(*place, agreed.namespace, about.id, self._tools.objects))
        parent = agreed.parent.ref(self._server.source) if agreed.parent else None
        return (*found, Mark(about.site, agreed.release, self._commits, self._layout, self._argo, parent))


def _quiet(words: str) -> None:
    """Nobody listens: what is asked here is told by the one who asks."""
