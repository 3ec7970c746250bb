#!/usr/bin/env python3
"""Holds the documentation against what it describes.

check_docs.py [inputs] [keys] [metrics] [rules] [decisions] [links]     all of them without arguments

inputs     README.md's tables of inputs and outputs, and every `with:` of the examples, match action.yml
keys       docs/configuration.md lists the keys that .hearth.yml may have
metrics    docs/metrics.md lists the metrics that agent/ declares, with kind and labels
rules      docs/doctor.md has a section, with an example, for each rule of agent/doctor, and no other
decisions  docs/architecture.md links every page of docs/decisions
links      relative links between the pages lead somewhere

Needs only the standard library: action.yml is read by hand, as far as its form goes here.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INTERNAL = "Not to be set."  # begins the description of inputs that only the manifest itself fills


def read_manifest(text):
    """{"inputs": {name: {"description": …, "default": …}}, "outputs": {…}} of an action.yml."""
    manifest = {"inputs": {}, "outputs": {}}
    section = entry = key = None
    for line in text.splitlines():
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        name, colon, value = bare.partition(":")
        if indent == 0:
            section, entry = manifest.get(name), None
        elif section is not None and indent == 2 and colon:
            entry, key = section.setdefault(name, {}), None
        elif entry is not None and indent == 4 and colon:
            key, value = name, value.strip()
            entry[key] = "" if value in (">-", ">", "|", "|-") else value.strip("\"'")
        elif entry is not None and key is not None and indent > 4:
            entry[key] = (entry[key] + " " + bare).strip()
    return manifest


def read_table(text, heading):
    """The rows of the first table below a heading, as dictionaries by column; None where there is none."""
    found = re.search(rf"^#+ +{re.escape(heading)} *\n(.*?)(?=^#|\Z)", text, re.M | re.S)
    lines = [line.strip() for line in (found.group(1).splitlines() if found else []) if line.strip().startswith("|")]
    if len(lines) < 3:
        return None
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    columns = [column.lower() for column in cells[0]]
    return [dict(zip(columns, row)) for row in cells[2:]]


def first_code(cell):
    found = re.search(r"`([^`]+)`", cell)
    return found.group(1) if found else cell


def check_names(what, documented, actual):
    problems = [f"README.md does not list the {what} `{name}`" for name in actual if name not in documented]
    problems += [f"README.md lists the {what} `{name}`, which action.yml has not"
                 for name in documented if name not in actual]
    problems += [f"README.md lists the {what} `{name}` twice" for name in set(documented) if documented.count(name) > 1]
    return problems


def check_defaults(rows, inputs):
    problems = []
    for row in rows:
        name = first_code(next(iter(row.values())))
        if "default" not in row or name not in inputs:
            continue
        shown = re.search(r"`([^`]*)`", row["default"])
        actual = inputs[name].get("default", "")
        if shown and shown.group(1) != actual or not shown and actual:
            problems.append(f"README.md gives `{name}` the default {row['default'] or 'nothing'}, "
                            f"action.yml '{actual}'")
    return problems


def uses_of_hearth(text):
    """(inputs named, line) of every step in YAML text that uses the action."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if not re.match(r"\s*(- +)?uses: +(\S+/hearth@\S+|\./)\s*(#.*)?$", line):
            continue
        depth = len(line) - len(line.lstrip(" -"))
        within = None
        for follower in lines[number + 1:]:
            bare = follower.strip()
            indent = len(follower) - len(follower.lstrip())
            if not bare or bare.startswith("#"):
                continue
            if indent < depth or bare.startswith("- "):
                break
            if indent == depth:
                within = indent if bare == "with:" else None
                continue
            entry = re.match(r"([\w-]+):", bare)
            if within is not None and entry and (within == depth or indent == within):
                within = indent
                yield entry.group(1), number + 1


def check_inputs():
    manifest = read_manifest((ROOT / "action.yml").read_text())
    readme = (ROOT / "README.md").read_text()
    public = {name: entry for name, entry in manifest["inputs"].items()
              if not entry.get("description", "").startswith(INTERNAL)}
    problems = []
    if not public or not manifest["outputs"]:
        problems.append("action.yml: no inputs or outputs were found")
    for what, actual in (("Inputs", public), ("Outputs", manifest["outputs"])):
        rows = read_table(readme, what)
        if rows is None:
            problems.append(f"README.md has no table under '{what}'")
            continue
        documented = [first_code(next(iter(row.values()))) for row in rows]
        problems += check_names(what.lower()[:-1], documented, actual)
        problems += check_defaults(rows, actual) if what == "Inputs" else []
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")),
             *sorted((ROOT / "examples").rglob("*.yml")), *sorted((ROOT / ".github").rglob("*.yml"))]
    for page in pages:
        problems += [f"{page.relative_to(ROOT)}:{line}: the action has no input `{name}`"
                     for name, line in uses_of_hearth(page.read_text()) if name not in manifest["inputs"]]
    return problems


def check_keys():
    source = (ROOT / "agent/cli/config_file.cpp").read_text()
    declared = re.search(r"k_keys = \{(.*?)\};", source, re.S)
    keys = re.findall(r'"([a-z-]+)"', declared.group(1)) if declared else []
    documented = re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "docs/configuration.md").read_text(), re.M)
    problems = [f"docs/configuration.md does not list the key `{key}`" for key in keys if key not in documented]
    problems += [f"docs/configuration.md lists `{key}`, which is no key" for key in documented if key not in keys]
    return problems if keys else ["agent/cli/config_file.cpp: no keys were found"]


def declared_metrics():
    """{name: (kind, labels)} of every counter(…), gauge(…) and histogram(…) in agent/."""
    metrics, used, problems = {}, {}, []
    for path in sorted((ROOT / "agent").rglob("*.[ch]pp")):
        text = path.read_text()
        for call in re.finditer(r"\b(counter|gauge|histogram)\(\s*\"(hearth_\w+)\"", text):
            depth, end = 1, call.end()
            while depth > 0 and end < len(text):
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
            labels = tuple(sorted(re.findall(r"\{\s*\"(\w+)\",", text[call.end():end])))
            declared = (call.group(1), labels)
            if metrics.setdefault(call.group(2), declared) != declared:
                problems.append(f"{call.group(2)} is declared in two ways, once in {path.relative_to(ROOT)}")
        for call in re.finditer(r"\b(?:total|by_label|find_histogram)\(\s*\"(hearth_\w+)\"", text):
            used[call.group(1)] = path.relative_to(ROOT)
    problems += [f"{where} reads {name}, which nobody declares" for name, where in used.items() if name not in metrics]
    return metrics, problems


def check_metrics():
    metrics, problems = declared_metrics()
    documented = {}
    page = (ROOT / "docs/metrics.md").read_text()
    for name, kind, labels in re.findall(r"^\| `(hearth_\w+)` \| (\w+) \|([^|]*)\|", page, re.M):
        if name in documented:
            problems.append(f"docs/metrics.md lists {name} twice")
        documented[name] = (kind, tuple(sorted(re.findall(r"`(\w+)`", labels))))
    for name, declared in sorted(metrics.items()):
        if name not in documented:
            problems.append(f"docs/metrics.md does not list {name} ({declared[0]}, labels {list(declared[1])})")
        elif documented[name] != declared:
            problems.append(f"docs/metrics.md says {documented[name]} of {name}, the code {declared}")
    problems += [f"docs/metrics.md lists {name}, which nobody declares" for name in documented if name not in metrics]
    return problems if metrics else ["no metrics were found in agent/"]


def check_rules():
    rules = [name for path in sorted((ROOT / "agent/doctor").glob("rules_*.cpp"))
             for name in re.findall(r"\{\"([a-z0-9-]+)\",\s+\w+(?:,\s+\w+)?\}", path.read_text())]
    page = (ROOT / "docs/doctor.md").read_text()
    sections = re.findall(r"^### `([a-z0-9-]+)`\n(.*?)(?=^##|\Z)", page, re.M | re.S)
    documented = [name for name, _ in sections]
    problems = [f"docs/doctor.md has no section for the rule `{name}`" for name in rules if name not in documented]
    problems += [f"docs/doctor.md describes `{name}`, which is no rule" for name in documented if name not in rules]
    problems += [f"docs/doctor.md: `{name}` has no example" for name, text in sections if "```" not in text]
    problems += [f"the rule `{name}` is there twice" for name in sorted(set(rules)) if rules.count(name) > 1]
    return problems if rules else ["no rules were found in agent/doctor/"]


def check_decisions():
    page = (ROOT / "docs/architecture.md").read_text()
    return [f"docs/architecture.md does not link decisions/{path.name}"
            for path in sorted((ROOT / "docs/decisions").glob("*.md")) if f"(decisions/{path.name})" not in page]


def check_links():
    problems = []
    for page in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]:
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path = target.partition("#")[0]
            if path and "://" not in target and not target.startswith("mailto:") and not (page.parent / path).exists():
                problems.append(f"{page.relative_to(ROOT)} links {target}, which is not there")
    return problems


CHECKS = {"inputs": check_inputs, "keys": check_keys, "metrics": check_metrics, "rules": check_rules, "decisions": check_decisions,
          "links": check_links}


def main():
    names = sys.argv[1:] or list(CHECKS)
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        sys.exit(f"no such check: {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    problems = [problem for name in names for problem in CHECKS[name]()]
    sys.exit("\n".join(problems) or 0)


if __name__ == "__main__":
    main()
