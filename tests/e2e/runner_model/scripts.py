"""`run:` steps: the script file, its shell, and the environment on the host.

Source: RW/Handlers/ScriptHandler.cs and ScriptHandlerHelpers.cs. These steps
get none of the ACTIONS_* variables of the runtime and the cache.
"""

from __future__ import annotations

import os
import pathlib
import shlex
import uuid

from .layout import Layout

SHELLS = {
    "bash": ("bash --noprofile --norc -eo pipefail {0}", ".sh"),
    "sh": ("sh -e {0}", ".sh"),
    "python": ("python3 {0}", ".py"),
}
UNSPECIFIED_ON_HOST = "bash -e {0}"
UNSPECIFIED_IN_CONTAINER = "sh -e {0}"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# How this machine reaches package registries; a runner's service has them too.
MACHINE_VARIABLES = ("LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "PIP_CERT",
                     "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY",
                     "NO_PROXY")


def shell_line(shell: str | None, script: str, *, in_container: bool) -> list[str]:
    if not shell:
        line = UNSPECIFIED_IN_CONTAINER if in_container else UNSPECIFIED_ON_HOST
    else:
        line = SHELLS[shell][0] if shell in SHELLS else shell
    return shlex.split(line.replace("{0}", script))


def write_script(layout: Layout, text: str, shell: str | None) -> pathlib.Path:
    suffix = SHELLS.get(shell or "", ("", ".sh"))[1]
    return layout.write(layout.temp / f"{uuid.uuid4()}{suffix}", text + "\n")


def worker_environment(layout: Layout, tracking_id: str, path: list[str]) -> dict[str, str]:
    """What host processes inherit from the runner itself."""
    values = {name: os.environ[name] for name in MACHINE_VARIABLES if os.environ.get(name)}
    values.update(PATH=":".join([*path, SYSTEM_PATH]), HOME=str(layout.home), USER="runner",
                  LOGNAME="runner", SHELL="/bin/bash", RUNNER_TRACKING_ID=tracking_id)
    return values


def with_path(values: dict[str, str], prepend: list[str]) -> dict[str, str]:
    if prepend:
        values = {**values, "PATH": ":".join([*prepend, values["PATH"]])}
    return values
