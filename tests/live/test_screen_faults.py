"""The Estate screen while its servers stop, freeze and come back: driven by keys in a real terminal.

Of every server: its pane says since when and why, keeps what was known last, all else stays live and quick, labtui quits at
once, and is live again by itself. Needs LIVE_CTL, the program that stops servers (tests/live/README.md).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.live.compose_fixture import engine_address
from tests.live.estate_fixture import LiveEstate
from tests.live.faults import alone
from tests.live.screen_reading import PANES, SOURCES, all_live, back, focused, is_live, lost, others_are_live, pane
from tests.live.vault_server import MOUNT, ROOT_TOKEN, OwnVault, own_vault
from tests.support.terminal import Terminal, processes

pytestmark = [
    pytest.mark.live,
    pytest.mark.fault,
    pytest.mark.sampled,
    pytest.mark.skipif("LIVE_CTL" not in os.environ, reason="needs LIVE_CTL, the program that stops servers"),
]

# The limits, in seconds.
SEEN = 5.0
SEEN_FROZEN = 15.0
STARTED = 8.0  # for one that starts without the server: with its own start
LIVE_AGAIN = 10.0
KEY = 1.0
QUIT = 1.0
FIRST_FRAME = 3.0  # on a machine of two cores, busy with losing and restarting servers
# They are limits for a machine that has time for us. One that has not, starts an interpreter more slowly than this, and is
# given as much more time.
INTERPRETER = 0.06
PATIENCE = 10.0

PATHS = 12


# The servers


@dataclass
class Server:
    """One program that can be stopped and frozen; `why` is what its pane must say, `rows` what it must keep showing."""

    name: str
    source: str
    rows: tuple[str, ...]
    answers: Callable[[], bool]
    why_stopped: str
    why_frozen: str
    hurt: Callable[[Terminal], None] = field(default=lambda terminal: None)  # beside the fault itself
    own: OwnVault | None = None

    def command(self, verb: str) -> Callable[[], None]:
        if self.own is None:
            return lambda: control(verb, self.name)
        own = self.own
        return {"stop": own.stop, "start": own.start, "pause": own.freeze, "resume": own.thaw}[verb]

    @property
    def number(self) -> int:
        return PANES[self.source]


def control(verb: str, server: str) -> None:
    # what it starts keeps running: it must not hold our pipes
    command = [os.environ["LIVE_CTL"], verb, server]
    subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def fault(server: Server, verb: str) -> Iterator[Callable[[], None]]:
    """Begin a fault; what is yielded ends it, and so does leaving. Nobody else makes faults meanwhile (LIVE_LOCK, a file)."""
    ended = False

    def end() -> None:
        nonlocal ended
        if not ended:
            ended = True
            server.command("start" if verb == "stop" else "resume")()

    with alone():
        try:
            server.command(verb)()
            yield end
        finally:
            end()
            until_answers(server, 60)


def until_answers(server: Server, seconds: float, *terminals: Terminal) -> None:
    """Until the server answers the test itself; the terminals are read meanwhile."""
    deadline = time.monotonic() + seconds
    while not server.answers():
        assert time.monotonic() < deadline, f"{server.name} did not come back"
        time.sleep(0.05)
        for terminal in terminals:
            terminal.settle(0.01, 0.05)


def http_answers(url: str, token: str = "") -> bool:
    request = urllib.request.Request(url, headers={"X-Vault-Token": token} if token else {})
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=1) as answer:
        return bool(answer.status == 200)
    return False


def engine_answers(site: str) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as engine:
        engine.settimeout(1)
        engine.connect(engine_address(site).removeprefix("unix://"))
        engine.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return b" 200 " in engine.recv(200)
    return False


def program_succeeds(*command: str) -> bool:
    try:
        done = subprocess.run(command, timeout=2, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def vault_answers(own: OwnVault) -> bool:
    return http_answers(f"{own.address}/v1/sys/internal/ui/mounts/{MOUNT}", ROOT_TOKEN)


def cut_ssh(terminal: Terminal) -> None:
    """End the program's ssh: a session that stands survives its server."""
    for pid in processes(terminal.pid):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == "ssh":
                os.kill(pid, signal.SIGKILL)


# The estate: the live one, with a Vault of the test's own, which may lose its data


@dataclass
class Estate:
    """What the tests start labtui on."""

    live: LiveEstate
    vault: OwnVault
    file: Path
    environ: Mapping[str, str]

    def terminal(self, columns: int = 120, rows: int = 40) -> Terminal:
        command = self.live.command()
        command[command.index("--estate") + 1] = str(self.file)
        return Terminal(command, columns, rows, self.environ)

    def fill_vault(self) -> None:
        """What it holds is in its memory: after a stop it is written anew."""
        for number in range(PATHS):
            self.vault.write(f"apps/app-{number:02}")

    def server(self, name: str) -> Server:
        """A server by its name on the live estate."""
        gitops, services = self.live.gitops, ("cache", "web", "worker")
        match name:
            case "kube-apiserver":
                return Server(
                    name, "cluster", ("alpha", "beta", "gamma"), _kubernetes_answers, "connection (refused|lost)",
                    "no answer for",
                )  # fmt: skip
            case "argocd-server":
                apps = (gitops.parent, gitops.child, gitops.second)
                version = f"http://{os.environ['ARGOCD_SERVER']}/api/version"
                return Server(
                    name, "argocd", apps, lambda: http_answers(version), "refused|closed|lost", "no answer|timed out"
                )
            case "dockerd-wroclaw" | "dockerd-kyiv":
                site = name.removeprefix("dockerd-")
                return Server(
                    name, site, services, lambda: engine_answers(site),
                    "does not exist|refused|closed|hung up|dial|Cannot connect", "no answer",
                )  # fmt: skip
            case "sshd":
                return Server(
                    name, "kyiv", services, lambda: program_succeeds("ssh", "-o", "ConnectTimeout=1", "kyiv", "true"),
                    "refused|ssh", "no answer|timed out|ssh", cut_ssh,
                )  # fmt: skip
            case _:
                return Server(
                    name, "vault", ("app-00", "app-03"), lambda: vault_answers(self.vault), "refused", "no answer",
                    own=self.vault,
                )  # fmt: skip


def _kubernetes_answers() -> bool:
    return program_succeeds("kubectl", "--request-timeout=1s", "get", "--raw", "/readyz")


@pytest.fixture(scope="module")
def estate(live_estate: LiveEstate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """The live estate, its Vault replaced by one of the test's own."""
    folder = tmp_path_factory.mktemp("faults")
    with own_vault(folder) as vault:
        document = yaml.safe_load(live_estate.file.read_text())
        document["vault"] = {"address": vault.address, "mount": MOUNT}
        file = folder / "labtui.yaml"
        file.write_text(yaml.safe_dump(document, sort_keys=False))
        environ = {
            "VAULT_ADDR": vault.address,
            "VAULT_TOKEN": ROOT_TOKEN,
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }
        made = Estate(live_estate, vault, file, environ)
        made.fill_vault()
        yield made


# What is required


def within(took: float, limit: float) -> bool:
    """Did it take at most so many seconds, or as many times more as this machine is slower right now?"""
    if took < limit:
        return True
    starts = []
    for _ in range(5):
        begun = time.monotonic()
        subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True)
        starts.append(time.monotonic() - begun)
    return took < limit * max(1.0, statistics.median(starts) / INTERPRETER)


def reacts(terminal: Terminal, wanted: Callable[[str], bool] | str, *keys: str) -> float:
    """Seconds from the last key until its effect is on the screen."""
    terminal.press(*keys[:-1])
    begun = time.monotonic()
    terminal.press(keys[-1])
    terminal.wait_for(wanted, PATIENCE)
    return time.monotonic() - begun


def keys_work(terminal: Terminal, estate: Estate, source: str) -> float:
    """Switch to another pane, filter it, open and close the details of its row; the longest reaction."""
    second = estate.live.gitops.second
    number, word, details = (1, second, "━ Application ") if source == "vault" else (5, "app-07", "━ Secret ")

    def title(text: str) -> str:
        return next(iter(pane(text, number)), "")

    took = [
        reacts(terminal, lambda text: focused(text, number), str(number)),
        reacts(terminal, lambda text: " 1 of " in title(text), "/", *word),
        reacts(terminal, details, "enter", "enter"),
        reacts(terminal, lambda text: " 1 of " in title(text), "escape"),
        reacts(terminal, lambda text: bool(title(text)) and " 1 of " not in title(text), "escape"),
    ]
    # and on the lost source itself: its rows are the last known, their details too
    lost_one = PANES[source]
    took.append(reacts(terminal, lambda text: focused(text, lost_one), str(lost_one)))
    took.append(reacts(terminal, lambda text: not pane(text, lost_one), "enter"))
    took.append(reacts(terminal, lambda text: focused(text, lost_one), "escape"))
    return max(took)


def quits(terminal: Terminal) -> float:
    """Press q: it ends well, and so does everything that it started."""
    pids = processes(terminal.pid)
    begun = time.monotonic()
    terminal.press("q")
    terminal.wait_for_exit(5)
    took = time.monotonic() - begun
    assert terminal.exit_status == 0, terminal.text()
    left = [pid for pid in pids if Path(f"/proc/{pid}").exists() and not _dead(pid)]
    assert not left, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
    assert within(took, QUIT), f"quitting took {took:.2f} s"
    return took


def _dead(pid: int) -> bool:
    """Killed, and only to be waited for by its new parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def times(wanted: Sequence[tuple[Terminal, Callable[[str], bool]]], seconds: float) -> list[float]:
    """Wait for things on several terminals at once; after how many seconds each came."""
    begun = time.monotonic()
    came: dict[int, float] = {}
    while len(came) < len(wanted) and time.monotonic() - begun < seconds:
        for number, (terminal, check) in enumerate(wanted):
            terminal.read(0.01)
            if number not in came and check(terminal.text()):
                came[number] = time.monotonic() - begun
    for number, (terminal, check) in enumerate(wanted):
        assert number in came, f"not within {seconds:g} s: {check}\n{terminal.text()}"
    return [came[number] for number in range(len(wanted))]


CASES = [
    (name, verb)
    for name in ("kube-apiserver", "argocd-server", "dockerd-wroclaw", "dockerd-kyiv", "sshd", "vault")
    for verb in ("stop", "pause")
]


@pytest.mark.parametrize(("name", "verb"), CASES, ids=[f"{verb}-{name}" for name, verb in CASES])
def test_a_server_goes_and_comes_back(name: str, verb: str, estate: Estate) -> None:
    server = estate.server(name)
    source, stopped = server.source, verb == "stop"
    why = server.why_stopped if stopped else server.why_frozen
    with ExitStack() as opened:
        wide, small, doomed = (_follow(opened, estate.terminal(*size)) for size in ((120, 40), (80, 24), (120, 40)))
        small.press(str(server.number))
        for terminal in (wide, small, doomed):
            terminal.wait_for(lambda text: _has_rows(text, server), 20)
        with fault(server, verb) as end:
            for terminal in (wide, small, doomed):
                server.hurt(terminal)
            late = opened.enter_context(estate.terminal())
            stale = lost(source, why, "stale")
            first, *others, frame, down = times(
                [(wide, stale), (small, stale), (doomed, stale), (late, _painted), (late, lost(source, why, "down"))],
                SEEN_FROZEN,
            )
            assert max(first, *others) < (SEEN if stopped else SEEN_FROZEN)
            assert within(frame, FIRST_FRAME)
            assert down < (STARTED if stopped else SEEN_FROZEN)
            for terminal in (wide, small):
                _keeps_rows(terminal, server)
            late.wait_for(lambda text: all(is_live(text, each) for each in SOURCES if each != source), SEEN)
            for terminal in (wide, late):
                others_are_live(terminal.text(), source)
            key = keys_work(wide, estate, source)
            if key >= KEY:  # a screen that waits for the lost server does so every time, a busy machine does not
                key = keys_work(wide, estate, source)
            assert within(key, KEY), f"a key took {key:.2f} s"
            quit_lost = max(quits(doomed), quits(late))
            end()
            until_answers(server, 60, wide, small)
            if server.own is not None and stopped:
                estate.fill_vault()
            live = max(times([(wide, back(source)), (small, lambda text: is_live(text, source))], LIVE_AGAIN))
        if server.name.startswith("dockerd-"):
            _start_containers(estate, server)
        wide.wait_for(lambda text: _has_rows(text, server), 12)
        quit_live = max(quits(wide), quits(small))
    print(
        f"\n{verb:5} {name:15} stale after {first:4.1f} s, live again {live:4.1f} s after the server, key {key * 1000:3.0f} ms, "
        f"started meanwhile: frame {frame:.1f} s, down {down:4.1f} s; quit {max(quit_lost, quit_live):.2f} s"
    )


def _painted(text: str) -> bool:
    return " labtui " in text


def _start_containers(estate: Estate, server: Server) -> None:
    """An engine that is told to stop ends its containers."""
    stack = estate.live.kyiv if server.source == "kyiv" else estate.live.wroclaw
    stack.start()


def _follow(opened: ExitStack, terminal: AbstractContextManager[Terminal]) -> Terminal:
    following = opened.enter_context(terminal)
    following.wait_for(all_live, 20)
    return following


def _has_rows(text: str, server: Server) -> bool:
    return all(any(row in line for line in pane(text, server.number)) for row in server.rows)


def _keeps_rows(terminal: Terminal, server: Server) -> None:
    shown = "\n".join(pane(terminal.text(), server.number))
    for row in server.rows:
        assert row in shown, f"{row} is gone\n{terminal.text()}"
