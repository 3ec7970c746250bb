#!/usr/bin/env python3
"""tools/check_docs.py finds what it is there to find."""

import importlib.util
import os
import pathlib
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["HEARTH_SOURCE_DIR"])
spec = importlib.util.spec_from_file_location("check_docs", SOURCE / "tools/check_docs.py")
check_docs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_docs)

MANIFEST = """\
name: Hearth
inputs:
  # a comment: not an input
  mode:
    description: >-
      Writes or not: `auto`
      or `off`.
    default: auto
  tag:
    description: The name.
    default: ""
  host-temp:
    description: Not to be set. A path.
    default: ${{ runner.temp }}
outputs:
  root-tag:
    description: The tag.
runs:
  using: docker
  args:
    - --x
"""

README = """\
# Hearth
## Inputs
| input | default | meaning |
|---|---|---|
| `mode` | `auto` | a |
| `tag` | | b |

## Outputs
| output | meaning |
|---|---|
| `root-tag` | c |
"""

CODE = """\
  a(registry.counter("hearth_a_total", "A (of b)")), // gauge
  b(registry.histogram(
      "hearth_b_seconds", "B", {{"reason", r}, {"kind", std::string(k)}})),
  figures.total("hearth_a_total");
"""

METRICS = """\
| metric | kind | labels | meaning |
|---|---|---|---|
| `hearth_a_total` | counter | | a |
| `hearth_b_seconds` | histogram | `reason`, `kind` | b |
"""

RULES = """\
constexpr std::array<Rule, 2> k_rules = {{{"a-rule", a_rule},
                                          {"b", b}}};
"""

DOCTOR = """\
# The doctor
## A
### `a-rule`
Text.
```text
seen
```
### `b`
```text
seen
```
"""


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        check_docs.ROOT = pathlib.Path(folder.name)
        self.write("action.yml", MANIFEST)
        self.write("README.md", README)
        self.write("agent/x/x.cpp", CODE)
        self.write("docs/metrics.md", METRICS)

        self.write("agent/doctor/rules_a.cpp", RULES)
        self.write("docs/doctor.md", DOCTOR)

    def write(self, name, text):
        path = check_docs.ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Inputs(Tree):
    def test_accepts_tables_that_match(self):
        self.assertEqual(check_docs.check_inputs(), [])

    def test_reads_folded_descriptions(self):
        mode = check_docs.read_manifest(MANIFEST)["inputs"]["mode"]
        self.assertEqual(mode, {"description": "Writes or not: `auto` or `off`.", "default": "auto"})

    def test_finds_missing_surplus_and_repeated_rows(self):
        self.write("README.md", README.replace("| `tag` |", "| `tags` |").replace("`root-tag` | c |", "`root-tag` | c |\n"
                                                                                  "| `root-tag` | c |"))
        problems = "\n".join(check_docs.check_inputs())
        self.assertIn("does not list the input `tag`", problems)
        self.assertIn("lists the input `tags`, which", problems)
        self.assertIn("output `root-tag` twice", problems)

    def test_finds_an_internal_input_and_a_missing_table(self):
        self.write("README.md", README.replace("| `tag` |", "| `tag` | | b |\n| `host-temp` |").replace("## Outputs", "## Out"))
        problems = "\n".join(check_docs.check_inputs())
        self.assertIn("`host-temp`, which", problems)
        self.assertIn("no table under 'Outputs'", problems)

    def test_finds_another_default(self):
        self.write("README.md", README.replace("| `auto` |", "| `off` |"))
        self.assertIn("default", check_docs.check_inputs()[0])

    def test_finds_unknown_inputs_in_examples(self):
        self.write("examples/workflows/a.yml", """\
jobs:
  build:
    steps:
      - uses: actions/cache@v4
        with:
          path: x
      - name: cache
        uses: OWNER/hearth@v1
        with:
          mode: auto
          moode: auto
      - uses: OWNER/hearth@v1
      - run: echo
        with: x
""")
        self.assertEqual(check_docs.check_inputs(), ["examples/workflows/a.yml:8: the action has no input `moode`"])


class Metrics(Tree):
    def test_accepts_a_page_that_matches(self):
        self.assertEqual(check_docs.check_metrics(), [])

    def test_finds_names_kinds_and_labels_that_differ(self):
        self.write("docs/metrics.md", METRICS.replace("`kind` ", "`sort` ").replace("| `hearth_a_total` |", "| `hearth_c_total` |"))
        problems = "\n".join(check_docs.check_metrics())
        self.assertIn("does not list hearth_a_total", problems)
        self.assertIn("lists hearth_c_total, which", problems)
        self.assertIn("of hearth_b_seconds", problems)

    def test_finds_readers_of_what_nobody_counts(self):
        self.write("agent/y/y.cpp", 'registry.total("hearth_d_total");')
        self.assertIn("reads hearth_d_total", check_docs.check_metrics()[0])


class Keys(Tree):
    def test_are_those_of_the_page(self):
        self.write("agent/cli/config_file.cpp", 'constexpr std::array<std::string_view, 2> k_keys = {\n    "tag", "max-size"};')
        self.write("docs/configuration.md", "| key | what |\n|---|---|\n| `tag` | x |\n| `max-size` | y |\n")
        self.assertEqual(check_docs.check_keys(), [])
        self.write("docs/configuration.md", "| key | what |\n|---|---|\n| `tag` | x |\n| `size` | y |\n")
        self.assertEqual(check_docs.check_keys(), ["docs/configuration.md does not list the key `max-size`",
                                                   "docs/configuration.md lists `size`, which is no key"])


class Rules(Tree):
    def test_are_all_documented_with_an_example(self):
        self.assertEqual(check_docs.check_rules(), [])

    def test_miss_a_section_an_example_or_a_rule(self):
        self.write("docs/doctor.md", "### `b`\nNo example.\n### `c`\n```text\nx\n```\n")
        problems = "\n".join(check_docs.check_rules())
        self.assertIn("no section for the rule `a-rule`", problems)
        self.assertIn("`b` has no example", problems)
        self.assertIn("`c`, which is no rule", problems)


class Pages(Tree):
    def test_finds_a_decision_that_is_not_linked(self):
        self.write("docs/architecture.md", "[one](decisions/0001-a.md)")
        self.write("docs/decisions/0001-a.md", "")
        self.assertEqual(check_docs.check_decisions(), [])
        self.write("docs/decisions/0002-b.md", "")
        self.assertEqual(check_docs.check_decisions(), ["docs/architecture.md does not link decisions/0002-b.md"])

    def test_finds_a_link_that_leads_nowhere(self):
        self.write("docs/a.md", "[x](metrics.md#y) [z](https://z.example) [q](gone.md)\n```\n[w](w.md)\n```\n")
        self.assertEqual(check_docs.check_links(), ["docs/a.md links gone.md, which is not there"])


if __name__ == "__main__":
    unittest.main()
