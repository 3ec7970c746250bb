"""YAML as GitHub reads it: booleans are `true` and `false` alone, so that the
key `on` stays a word. PyYAML comes from Debian's python3-yaml."""

from __future__ import annotations

import os
import pathlib
import re
import sys
from typing import Any

from tests.e2e import images

DEBIAN_MODULES = "/usr/lib/python3/dist-packages"

try:
    import yaml
except ModuleNotFoundError:  # another Python than Debian's borrows its module
    if not os.path.isdir(f"{DEBIAN_MODULES}/yaml"):
        images.install_packages("python3-yaml")
    sys.path.append(DEBIAN_MODULES)
    import yaml


class _Loader(yaml.SafeLoader):
    pass


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers
            if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def load(path: os.PathLike | str) -> dict[str, Any]:
    return load_text(pathlib.Path(path).read_text(encoding="utf-8"), str(path))


def load_text(text: str, name: str = "text") -> dict[str, Any]:
    document = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    if not isinstance(document, dict):
        raise ValueError(f"{name} holds no mapping")
    return document
