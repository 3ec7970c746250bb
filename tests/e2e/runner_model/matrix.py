"""`strategy.matrix`: the combinations that a job runs with.

Source: GitHub's documentation of `jobs.<job_id>.strategy.matrix`: `exclude`
first, then each `include` extends the combinations it does not contradict, or
adds one of its own.
"""

from __future__ import annotations

import itertools
from typing import Any


def combinations(strategy: dict[str, Any] | None) -> list[dict[str, Any] | None]:
    matrix = (strategy or {}).get("matrix")
    if not matrix:
        return [None]
    axes = {k: v for k, v in matrix.items() if k not in ("include", "exclude")}
    found = [dict(zip(axes, values)) for values in itertools.product(*axes.values())] \
        if axes else []
    found = [c for c in found if not any(agrees(c, e) for e in matrix.get("exclude") or [])]
    originals = [dict(c) for c in found]
    for extra in matrix.get("include") or []:
        fits = [position for position, original in enumerate(originals)
                if all(original[k] == v for k, v in extra.items() if k in original)
                and any(k in original for k in extra)]
        if not fits and not any(k in axes for k in extra):
            fits = list(range(len(originals)))
        for position in fits:
            found[position].update(extra)
        if not fits:
            found.append(dict(extra))
    return list(found)


def agrees(combination: dict[str, Any], pattern: dict[str, Any]) -> bool:
    return all(combination.get(k) == v for k, v in pattern.items())
