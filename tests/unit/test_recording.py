"""The recording of a terminal says the same as the terminal."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pyte
import pytest

from tests.support.recording import BACKGROUND, END, LONGEST, Frame, as_svg, frame_of, paced

SVG = "{http://www.w3.org/2000/svg}"


def screen(text: str) -> pyte.Screen:
    made = pyte.Screen(20, 3)
    pyte.Stream(made).feed(text)
    return made


def test_a_frame_keeps_text_and_looks() -> None:
    (first, second, third) = frame_of(screen("ab \x1b[31;1mcd\x1b[0m\r\n\x1b[7mx\x1b[0m <&>"), 1.0).rows
    assert [(r.column, r.text.rstrip(), r.bold) for r in first] == [(0, "ab", False), (3, "cd", True)]
    assert first[1].colour == "cd3131"
    assert second[0].text == "x" and second[0].colour == BACKGROUND
    assert third == ()


def test_quiet_is_shortened_and_what_does_not_change_left_out() -> None:
    a, b = frame_of(screen("a"), 0), frame_of(screen("b"), 0)
    found = paced([Frame(0.5, a.rows), Frame(1.0, a.rows), Frame(1.5, b.rows), Frame(60.0, a.rows)])
    assert [f.at for f in found] == [0.0, 1.0, 1.0 + LONGEST]


def test_each_line_is_seen_when_it_was_there() -> None:
    frames = [Frame(0, frame_of(screen("one\r\nsame"), 0).rows), Frame(2, frame_of(screen("<two>\r\nsame"), 0).rows)]
    root = ET.fromstring(as_svg(frames, 20, "t & u"))
    assert root.findtext(f"{SVG}title") == "t & u"
    lines = {t.text: g for g in root.iter(f"{SVG}g") for t in g.findall(f"{SVG}text")}
    assert set(lines) == {"one", "<two>", "same"}
    assert lines["same"].find(f"{SVG}set") is None
    shown = lines["<two>"].find(f"{SVG}set")
    assert shown is not None and (shown.get("begin"), shown.get("dur")) == ("all.begin+2.00s", f"{END:.2f}s")


def test_nothing_is_no_recording() -> None:
    with pytest.raises(ValueError, match="needs a frame"):
        as_svg([], 80, "t")
