"""Writes the golden plans anew: `python -m tests.plans.update`."""

from __future__ import annotations

from tests.plans.making import GOLDEN, demo, docker_compose, plan, stacks, written


def main() -> None:
    """All of them; those of stacks that are gone are removed."""
    reader = docker_compose() or demo()
    kept = set()
    for site, name in stacks():
        file = GOLDEN / f"{site}-{name}.yaml"
        file.write_text(written(plan(reader, site, name)), encoding="utf-8")
        kept.add(file)
    for file in set(GOLDEN.glob("*.yaml")) - kept:
        file.unlink()


if __name__ == "__main__":
    main()
