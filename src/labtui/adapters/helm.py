"""Renders the app chart with the helm program. Offline: `helm template` asks no cluster and no registry."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from labtui.domain.errors import Invalid, NotFound, Refused, Unreachable
from labtui.domain.plain import plain
from labtui.domain.text import clean, clean_lines

SECONDS = 60
HOW_TO_GET_IT = "Install helm 3 or later (https://helm.sh/docs/intro/install), then try again"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?\Z")  # a release; helm allows 53 letters
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class HelmRenderer:
    """`chart` is the folder of the app chart. The values go over stdin: they are in no argument and in no file."""

    def __init__(self, chart: Path, program: str = "helm", seconds: float = SECONDS) -> None:
        self.chart = chart
        self._program = program
        self._seconds = seconds

    def render(self, values: Mapping[str, Any], name: str, namespace: str) -> tuple[Mapping[str, Any], ...]:
        """See `ports.ChartRenderer`. Raises NotFound without the chart, Unreachable when helm does not end."""
        if not _NAME.match(name):
            raise Invalid(f"{clean(name)!r} cannot be the name of a release", "", "It has at most 53 of a-z, 0-9 and -")
        if not _NAMESPACE.match(namespace):
            raise Invalid(f"{clean(namespace)!r} cannot be a namespace", "", "It has at most 63 of a-z, 0-9 and -")
        if not (self.chart / "Chart.yaml").is_file():
            raise NotFound(f"The app chart is not in {self.chart}", "", "Get it back from git, or install labtui again")
        return _objects(
            self._helm(
                "template", name, str(self.chart), "--namespace", namespace, "--values", "-", text=_as_json(values)
            )
        )

    def _helm(self, *arguments: str, text: str) -> str:
        try:
            done = subprocess.run(
                [self._program, *arguments],
                input=text,
                capture_output=True,
                timeout=self._seconds,
                encoding="utf-8",
                errors="replace",
                check=False,
                start_new_session=True,  # no controlling terminal: nothing can ask there
            )
        except FileNotFoundError as error:
            raise Refused("The helm program is missing", "the app chart is rendered with it", HOW_TO_GET_IT) from error
        except PermissionError as error:
            raise Refused("The helm program cannot be run", error.strerror or "", HOW_TO_GET_IT) from error
        except subprocess.TimeoutExpired:
            # its words hold the values: not a cause to be shown
            raise Unreachable(f"helm {arguments[0]} did not end in {self._seconds:g} s") from None
        if done.returncode:
            words = clean_lines(done.stderr.strip().removeprefix("Error: "), 4000) or f"exit status {done.returncode}"
            raise Invalid("The app chart does not take these values", words, "Look at the values; helm says where")
        return done.stdout


def _as_json(values: Mapping[str, Any]) -> str:
    """JSON, which is YAML too: in YAML proper helm takes texts like `y` and `1e3` for what they are not.

    What YAML takes no raw character for is escaped; nothing else is, since YAML knows no pairs of surrogates.
    """
    text = json.dumps(plain(values), ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _objects(text: str) -> tuple[Mapping[str, Any], ...]:
    try:
        found = [document for document in yaml.load_all(text, Loader=_Loader) if document]
    except (yaml.YAMLError, RecursionError) as error:
        raise Invalid("helm printed something that is no YAML", clean(str(error), 2000)) from error
    strange = next((d for d in found if not isinstance(d, dict) or not d.get("kind")), None)
    if strange is not None:
        raise Invalid("helm printed something that is no Kubernetes object", type(strange).__name__)
    return tuple(found)
