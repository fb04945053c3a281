"""What state things are in and what to do next, plainly: the lines under the steps of a migration."""

from __future__ import annotations

from labtui.core.migration.overview import failure, where
from labtui.core.migration.reporting import next_command
from labtui.domain.migration.journal import Entry, Mark, State, open_goal, state_of
from labtui.domain.migration.progress import Event
from labtui.domain.migration.standing import standing
from labtui.domain.plan import Result
from labtui.domain.states import Level
from labtui.domain.text import clean
from labtui.tui.migration.track import Track
from labtui.tui.widgets.page import Row, tone_of

LABEL = 6  # cells: `Next:` and a blank


def headline(track: Track) -> tuple[Level, str]:
    """How the migration is, in a few words, with its sign."""
    state = state_of(track.entries)
    if track.running:
        if track.pausing:
            return Level.MOVING, "pausing"
        return Level.MOVING, "going back" if _going_back(track) else "running"
    if track.holder:
        return Level.MOVING, f"run by {clean(track.holder, 40)}"
    if not track.entries:
        return Level.OFF, "not begun"
    if open_goal(track.entries) is None and state is not State.RUNNING:
        return (Level.WELL, "done, on Kubernetes") if state is State.KUBERNETES else (Level.OFF, "on Docker")
    failed = failure(track.entries)
    if failed is not None:
        return Level.BROKEN, "failed" if failed.step is where(track.entries) else "failed, taken back"
    last = _last(track.entries)
    if last is not None and last.mark in (Mark.BEGUN, Mark.UNDOING):
        return Level.BROKEN, "cut off"
    return Level.DRIFTED, "paused" if _paused(track.entries) else "stopped"


def rows(track: Track, keys: dict[str, str]) -> list[Row]:
    """What stands under the steps. `keys`: how the keys of the actions are called."""
    level, word = headline(track)
    entries = track.entries
    found: list[Row] = []
    if track.running:
        found.append(_said(level, f"{_first(standing(entries))}. {_running_words(track, keys)}"))
        if track.log and track.log[-1].event is Event.WAITING:  # a small screen has no room for the log
            found.append(_said(Level.DRIFTED, track.log[-1].text))
        return _with_problem(found, track)
    if track.holder:
        found.append(_said(level, f"{clean(track.holder)} works on it now; it lets go when it has ended or died"))
        found.append(Row("Now:", _now(entries), "", "muted", width=LABEL))
        return _with_problem(found, track)
    why, hint = _why(track, word)
    found.append(_said(level, why))
    if entries and _now(entries) not in why:
        found.append(Row("Now:", _now(entries), "", "muted", width=LABEL))
    found.append(Row("Next:", _next(track, hint, keys), "strong", "muted", width=LABEL))
    return _with_problem(found, track)


def _said(level: Level, text: str) -> Row:
    return Row(level.sign, text, "", tone_of(level), width=2)


def _with_problem(found: list[Row], track: Track) -> list[Row]:
    if track.problem:
        found.append(_said(Level.DRIFTED, track.problem))
    return found


def _running_words(track: Track, keys: dict[str, str]) -> str:
    if track.pausing:
        return "It stops when the action that runs has ended."
    return f"{keys.get('migration.pause', 'p')} pauses it, esc leaves it running."


def _why(track: Track, word: str) -> tuple[str, str]:
    """Why it does not run, and what the run that ended said to do."""
    outcome, failed = track.outcome, failure(track.entries)
    hint = outcome.remaining[0] if outcome is not None and outcome.remaining else ""
    if failed is not None:
        back = "" if failed.step is where(track.entries) else " It was taken back by itself."
        return f"{_sentence(f'{failed.step}: {failed.text}')}{back}", hint
    if outcome is not None and outcome.result is not Result.DONE:
        return _sentence(clean(outcome.message, 2000).removesuffix(clean(outcome.state, 2000))), hint
    if not track.entries:
        return "Nothing was begun.", ""
    state = state_of(track.entries)
    if open_goal(track.entries) is None and state is not State.RUNNING:
        return _sentence(standing(track.entries)), ""
    last = _last(track.entries)
    if last is not None and last.mark is Mark.UNDONE:
        there = where(track.entries)
        return f"What came after {there} was undone." if there else "It was undone.", ""
    if last is not None and last.mark in (Mark.BEGUN, Mark.UNDOING):
        return f"It was cut off in the middle of: {clean(last.text)}. Nothing is lost: the next run looks first.", ""
    paused = _paused(track.entries) or (outcome.message.split(". ")[0] if outcome is not None else "")
    return _sentence(paused or f"It was told to stop after {last.step if last else 'the plan'}"), ""


def _next(track: Track, hint: str, keys: dict[str, str]) -> str:
    """The one command, and the key that does the same here."""
    command = next_command(track.about, track.entries) if track.id else f"labtui migrate {track.site}/{track.stack}"
    words = command
    if "labtui " in hint:  # it may say what has to be done before
        words = clean(hint, 600).removeprefix("To go on: ").removeprefix("When the cause is gone: ")
    state = state_of(track.entries)
    ended = open_goal(track.entries) is None and state is not State.RUNNING
    if not track.entries or (ended and state is State.DOCKER):
        return f"{words}   or m on its row"
    key = keys.get("migration.undo", "U") if ended else keys.get("migration.resume", "c")
    return f"{words}   or {key} here"


def _going_back(track: Track) -> bool:
    last = _last(track.entries)
    return track.running == "undo" or (last is not None and last.mark in (Mark.UNDOING, Mark.UNDONE))


def _last(entries: tuple[Entry, ...]) -> Entry | None:
    """The last thing that was done, or begun."""
    return next((entry for entry in reversed(entries) if entry.mark is not Mark.NOTE), None)


def _paused(entries: tuple[Entry, ...]) -> str:
    last = entries[-1] if entries else None
    return last.text if last is not None and last.mark is Mark.NOTE and last.text.startswith("Paused") else ""


def _now(entries: tuple[Entry, ...]) -> str:
    """Where the traffic goes, and what is half done; what is done stands above."""
    return _sentence(". ".join(part for part in standing(entries).split(". ") if not part.startswith("Done: ")))


def _first(text: str) -> str:
    return clean(text).split(". ")[0].rstrip(".")


def _sentence(text: str) -> str:
    found = clean(text, 1000).strip().rstrip(".")
    return f"{found}." if found else ""
