"""Failures of storages: sccache's own, and Hearth's backend. Not a test itself."""

from __future__ import annotations

import shutil

from tests.doctor.registry import failure
from tests.doctor.world import MAKE


def with_storage(world, variables: dict[str, str] | None = None, **statuses: int) -> dict:
    world.c_project()
    environment = world.server(SCCACHE_WEBDAV_ENDPOINT=world.storage(**statuses).endpoint, **(variables or {}))
    world.compile(environment, check=False)
    return world.here(environment)


@failure("propfind-refused")
def propfind_answered_405(world):
    return with_storage(world, PROPFIND=405, probe_PROPFIND=405)


@failure("storage-read-only")
def probe_write_forbidden(world):
    return with_storage(world, probe_PUT=403)


@failure("probe-rate-limited")
def one_429_at_the_start(world):
    return with_storage(world, probe_PUT=429)


@failure("start-failed")
def probe_read_forbidden(world):
    return with_storage(world, probe_GET=403)


@failure("start-failed")
def probe_read_limited(world):
    return with_storage(world, probe_GET=429)


@failure("start-failed")
def probe_read_broken(world):
    return with_storage(world, probe_GET=500)


@failure("read-only-setting")
def read_only_by_a_variable(world):
    return with_storage(world, {"SCCACHE_WEBDAV_RW_MODE": "READ_ONLY"})


@failure("rate-limited")
def writes_answered_429(world):
    return with_storage(world, PUT=429)


@failure("writes-fail")
def writes_answered_500(world):
    return with_storage(world, PUT=500)


@failure("reads-fail")
def reads_answered_403(world):
    return with_storage(world, GET=403)


@failure("github-token-missing")
def github_cache_without_token(world):
    world.c_project()
    environment = world.server(SCCACHE_GHA_ENABLED="true")
    return world.here(environment)


@failure("github-version-mismatch")
def github_cache_by_the_old_protocol(world):
    world.c_project()
    url = world.storage().endpoint.removesuffix("cache")
    environment = world.server(SCCACHE_GHA_ENABLED="true", ACTIONS_RESULTS_URL=url, ACTIONS_RUNTIME_TOKEN="x.y.z")
    world.compile(environment, check=False)
    return world.here(environment)


@failure("backend-unusable")
def backend_below_a_file(world):
    world.c_project()
    (world.folder / "file").write_text("in the way")
    world.run(*MAKE, flags=("--backend", f"disk://{world.folder}/file/below"))
    return world.doctor()


@failure("not-published")
def backend_gone_before_the_end(world):
    world.c_project()
    place = world.folder / "backend"
    world.run("sh", "-c", f'"$@" && rm -rf {place} && touch {place}', "sh", *MAKE, flags=("--drain-deadline", "2s"))
    return world.doctor()


@failure("storage-lost")
def storage_wiped_between_runs(world):
    world.c_project()
    world.run(*MAKE)
    world.clean()
    shutil.rmtree(world.folder / "backend")
    runs = world.folder / "runs"
    shutil.move(world.store / "runs", runs)
    shutil.rmtree(world.store)
    world.store.mkdir()
    shutil.move(runs, world.store / "runs")
    world.run(*MAKE)
    return world.doctor()


@failure("job-read-only")
def every_run_read_only(world):
    world.c_project()
    for _ in range(2):
        world.clean()
        shutil.rmtree(world.store, ignore_errors=True)
        world.run(*MAKE, flags=("--mode", "read-only"))
    return world.doctor()


@failure("cache-off")
def cache_switched_off(world):
    world.c_project()
    world.run(*MAKE, flags=("--mode", "off"))
    return world.doctor()


@failure("tag-changed")
def another_tag(world):
    world.c_project()
    world.run(*MAKE, tag="one")
    world.clean()
    world.run(*MAKE, tag="two")
    return world.doctor()


@failure("run-scoped")
def a_tag_of_this_run_only(world):
    world.c_project()
    for run in ("1", "2"):
        world.clean()
        world.run(*MAKE, tag=f"case-run-{run}-1")
    return world.doctor()


@failure("backend-changed")
def another_backend(world):
    world.c_project()
    world.run(*MAKE)
    world.clean()
    (world.store / "runs").rename(world.folder / "runs")
    shutil.rmtree(world.store)
    world.store.mkdir()
    (world.folder / "runs").rename(world.store / "runs")
    world.run(*MAKE, flags=("--backend", f"disk://{world.folder}/elsewhere"))
    return world.doctor()


@failure("mode-changed")
def proxy_after_disk(world):
    world.c_project()
    world.run(*MAKE, flags=("--sccache-mode", "disk"))
    world.clean()
    world.run(*MAKE, flags=("--sccache-mode", "proxy"))
    return world.doctor()


@failure("no-backend")
def no_backend_at_all(world):
    world.c_project()
    world.run(*MAKE, flags=("--backend", "none"))
    return world.doctor()
