"""The model's texts, without a container: expressions, matrices, file commands
and YAML, against what GitHub documents and its runner does."""

from __future__ import annotations

import pathlib
import tempfile
import unittest

from tests.e2e.runner_model.expression_functions import hash_files_in
from tests.e2e.runner_model.expressions import (Evaluator, ExpressionError, condition,
                                                interpolate)
from tests.e2e.runner_model.file_commands import FileCommandError, pairs
from tests.e2e.runner_model.log_commands import COMMAND, properties_of, unescape
from tests.e2e.runner_model.matrix import combinations
from tests.e2e.runner_model.yaml_files import load_text

CONTEXTS = {
    "github": {"ref": "refs/heads/main", "event": {"pull_request": None, "labels": [
        {"name": "fast"}, {"name": "Warm"}]}},
    "runner": {"temp": "/w/_temp", "os": "Linux"},
    "matrix": {"rust": "1.95.0", "features": ["a", "b"], "level": 2},
    "steps": {"one": {"outputs": {"cache-hit": "true"}, "outcome": "failure"}},
    "inputs": {"host-temp": "/w/_temp", "empty": ""},
    "env": {},
}


def evaluator(status: str = "success") -> Evaluator:
    return Evaluator(CONTEXTS, {
        "always": lambda: True, "success": lambda: status == "success",
        "failure": lambda: status == "failure", "cancelled": lambda: status == "cancelled"})


def value(text: str):
    return evaluator().evaluate(text)


class Values(unittest.TestCase):
    def test_literals(self):
        self.assertEqual(value("'it''s'"), "it's")
        self.assertEqual(value("0x1F"), 31)
        self.assertEqual(value("-2.5"), -2.5)
        self.assertIs(value("true"), True)
        self.assertIsNone(value("null"))

    def test_a_missing_property_is_null_and_an_unknown_context_is_an_error(self):
        self.assertIsNone(value("github.event.nothing.below"))
        with self.assertRaises(ExpressionError):
            value("nonsense.ref")

    def test_names_are_found_without_case_and_with_dashes(self):
        self.assertEqual(value("steps.one.outputs.cache-hit"), "true")
        self.assertEqual(value("GITHUB.REF"), "refs/heads/main")
        self.assertEqual(value("inputs['host-temp']"), "/w/_temp")

    def test_lists_are_indexed_and_filtered(self):
        self.assertEqual(value("matrix.features[1]"), "b")
        self.assertIsNone(value("matrix.features[7]"))
        self.assertEqual(value("github.event.labels.*.name"), ["fast", "Warm"])

    def test_broken_text_is_refused(self):
        for text in ("1 +", "(1", "'open", "github.", "a b", "f(", "==", "nofunction(1)"):
            with self.assertRaises(ExpressionError, msg=text):
                value(text)


class Operators(unittest.TestCase):
    def test_strings_compare_without_case(self):
        self.assertTrue(value("runner.os == 'linux'"))
        self.assertTrue(value("'b' > 'A'"))

    def test_other_types_compare_as_numbers(self):
        self.assertTrue(value("matrix.level == '2'"))
        self.assertTrue(value("null == 0"))
        self.assertTrue(value("true == 1"))
        self.assertFalse(value("'x' == 0"))
        self.assertFalse(value("NaN == NaN"))

    def test_and_or_return_an_operand(self):
        self.assertEqual(value("inputs.empty || 'fallback'"), "fallback")
        self.assertEqual(value("true && 'yes' || 'no'"), "yes")
        self.assertEqual(value("false && 'yes' || 'no'"), "no")

    def test_an_operand_that_does_not_matter_is_not_called(self):
        self.assertEqual(value("true || fromJSON('not json')"), True)

    def test_precedence_and_parentheses(self):
        self.assertTrue(value("true || false && false"))
        self.assertFalse(value("(true || false) && false"))
        self.assertTrue(value("!false == true"))


class Functions(unittest.TestCase):
    def test_text(self):
        self.assertTrue(value("startsWith(github.ref, 'refs/HEADS')"))
        self.assertTrue(value("endsWith('abc', 'C')"))
        self.assertTrue(value("contains(matrix.features, 'A')"))
        self.assertTrue(value("contains(github.ref, 'main')"))
        self.assertEqual(value("format('{0}-{{{1}}}', 'a', 2)"), "a-{2}")
        self.assertEqual(value("join(matrix.features, '+')"), "a+b")

    def test_to_json_is_indented_by_two(self):
        self.assertEqual(value("toJSON(matrix.features)"), '[\n  "a",\n  "b"\n]')
        self.assertEqual(value("toJSON(null)"), "null")
        self.assertEqual(value("fromJSON('{\"a\":[1]}').a[0]"), 1)

    def test_hash_files_depends_on_contents_and_on_the_pattern_only(self):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            (root / "deep/er").mkdir(parents=True)
            (root / "Cargo.lock").write_text("one")
            (root / "deep/er/Cargo.lock").write_text("two")
            (root / "other").write_text("three")
            hash_files = hash_files_in(root)

            both, top = hash_files("**/Cargo.lock"), hash_files("Cargo.lock")

            self.assertEqual(len(both), 64)
            self.assertNotEqual(both, top)
            self.assertEqual(hash_files("**/Cargo.lock", "!deep/**"), top)
            self.assertEqual(hash_files("nothing"), "")
            (root / "other").write_text("changed")
            self.assertEqual(hash_files("**/Cargo.lock"), both)


class Interpolation(unittest.TestCase):
    def test_a_lone_expression_keeps_its_type_and_mixed_text_does_not(self):
        self.assertEqual(interpolate("${{ matrix.features }}", evaluator()), ["a", "b"])
        self.assertEqual(interpolate("v${{ matrix.level }}!", evaluator()), "v2!")
        self.assertEqual(interpolate({"a": ["${{ 1 == 1 }}"]}, evaluator()), {"a": [True]})

    def test_braces_inside_strings_do_not_end_an_expression(self):
        self.assertEqual(interpolate("${{ format('{0}}}', 1) }}", evaluator()), "1}")
        self.assertEqual(interpolate("${{ '}}' }}", evaluator()), "}}")


class Conditions(unittest.TestCase):
    def test_success_is_implied_unless_a_status_function_is_called(self):
        self.assertFalse(condition("runner.os == 'Linux'", evaluator("failure")))
        self.assertTrue(condition("failure() && runner.os == 'Linux'", evaluator("failure")))
        self.assertTrue(condition("always()", evaluator("cancelled")))
        self.assertTrue(condition(None, evaluator()))
        self.assertFalse(condition(None, evaluator("cancelled")))

    def test_a_status_function_in_a_string_does_not_count(self):
        self.assertFalse(condition("'always()' == 'always()'", evaluator("failure")))

    def test_braces_are_optional(self):
        self.assertTrue(condition("${{ matrix.level == 2 }}", evaluator()))
        self.assertFalse(condition("${{ steps.one.outcome == 'success' }}", evaluator()))


class Matrices(unittest.TestCase):
    def test_every_pair_but_the_excluded_ones(self):
        found = combinations({"matrix": {"os": ["a", "b"], "v": [1, 2],
                                         "exclude": [{"os": "b", "v": 1}]}})
        self.assertEqual(found, [{"os": "a", "v": 1}, {"os": "a", "v": 2}, {"os": "b", "v": 2}])

    def test_include_extends_what_it_agrees_with_or_adds(self):
        found = combinations({"matrix": {"os": ["a", "b"], "include": [
            {"os": "a", "fast": True}, {"os": "c"}, {"all": 1}]}})
        self.assertEqual(found, [{"os": "a", "fast": True, "all": 1}, {"os": "b", "all": 1},
                                 {"os": "c"}])

    def test_no_matrix_is_one_job_without(self):
        self.assertEqual(combinations(None), [None])
        self.assertEqual(combinations({"matrix": {"include": [{"a": 1}]}}), [{"a": 1}])


class FileCommandTexts(unittest.TestCase):
    def test_what_comes_first_decides(self):
        self.assertEqual(pairs("A=b<<c\n"), {"A": "b<<c"})
        self.assertEqual(pairs("A<<E=F\nx=y\nE=F\n"), {"A": "x=y"})

    def test_a_delimiter_is_the_whole_line_and_carriage_returns_stay(self):
        self.assertEqual(pairs("A<<E\n E\nE \nE\nB=1\r\n"), {"A": " E\nE ", "B": "1\r"})

    def test_what_the_runner_refuses(self):
        for text in ("A<<E\nx\n", "=b\n", "no sign\n", "<<E\nE\n", "A<<\n\n"):
            with self.assertRaises(FileCommandError, msg=text):
                pairs(text)


class LogCommandTexts(unittest.TestCase):
    def test_a_line_is_taken_apart(self):
        match = COMMAND.match("  ::warning file=a%2Cb.c,line=3::50%25 of%0Ait")
        self.assertEqual(match["name"], "warning")
        self.assertEqual(properties_of(match["properties"]), {"file": "a,b.c", "line": "3"})
        self.assertEqual(unescape(match["data"]), "50% of\nit")

    def test_other_lines_are_no_commands(self):
        for text in ("std::string::npos", "x ::warning::y", ":: ::"):
            self.assertIsNone(COMMAND.match(text), text)


class Yaml(unittest.TestCase):
    def test_on_is_a_word_and_only_true_and_false_are_booleans(self):
        self.assertEqual(load_text("on: push\na: yes\nb: true\nc: 2024-01-02\n"),
                         {"on": "push", "a": "yes", "b": True, "c": "2024-01-02"})


if __name__ == "__main__":
    unittest.main()
