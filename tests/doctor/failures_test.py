"""The doctor over the failure set: the true cause is its first verdict, and where nothing is wrong it finds nothing.
`failures_test.py NAME…` runs some cases and prints what was said."""

from __future__ import annotations

import concurrent.futures
import json
import sys
import time
import unittest

from tests.doctor.cases import FAILURES, HEALTHY
from tests.doctor.world import World

AT_ONCE = 2


def examine(case) -> dict | str:
    world = World()
    try:
        return case(world)
    except Exception as error:  # a case that cannot be made is a failure of its own, told with the others
        return f"{type(error).__name__}: {error}"
    finally:
        world.close()


def examine_all(cases) -> list:
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(examine, cases))


class Failures(unittest.TestCase):
    def test_the_first_verdict_is_the_true_cause(self):
        self.assertGreaterEqual(len(FAILURES), 30)
        for (name, rule, _), said in zip(FAILURES, examine_all([case for _, _, case in FAILURES])):
            with self.subTest(name):
                self.assertIsInstance(said, dict, said)
                self.assertTrue(said["verdicts"], f"nothing was found: {json.dumps(said)}")
                first = said["verdicts"][0]
                self.assertEqual(first["rule"], rule, json.dumps(said["verdicts"], indent=1))
                self.assertTrue(first["evidence"], first)
                self.assertTrue(all(first["evidence"]), first)

    def test_where_nothing_is_wrong_nothing_is_found(self):
        self.assertGreaterEqual(len(HEALTHY), 10)
        for (name, _), said in zip(HEALTHY, examine_all([case for _, case in HEALTHY])):
            with self.subTest(name):
                self.assertIsInstance(said, dict, said)
                self.assertEqual(said["verdicts"], [], json.dumps(said["verdicts"], indent=1))


def show(names: list[str]) -> None:
    cases = {name: (rule, case) for name, rule, case in FAILURES} | {name: ("", case) for name, case in HEALTHY}
    chosen = {name: cases[name] for name in names or cases}
    begun = time.monotonic()
    for (name, (rule, _)), said in zip(chosen.items(), examine_all([case for _, case in chosen.values()])):
        verdicts = said["verdicts"] if isinstance(said, dict) else []
        first = verdicts[0]["rule"] if verdicts else ""
        print(f"{'ok  ' if first == rule and isinstance(said, dict) else 'FAIL'} {name}: {first or 'nothing'}")
        if first != rule or len(names) == 1 or not isinstance(said, dict):
            print(json.dumps(said, indent=1) if isinstance(said, dict) else said)
    print(f"{len(chosen)} cases in {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    show(sys.argv[1:])
