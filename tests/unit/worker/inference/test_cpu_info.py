"""What a CPU can do is read from its flags."""

import pytest

from textsieve.worker.inference.cpu_info import Cpu, this_cpu, usable_cores


@pytest.mark.parametrize(
    ("name", "flags", "bf16", "exact"),
    [
        ("x86_64/a/2", {"avx2"}, False, False),
        ("x86_64/a/2", {"avx2", "avx_vnni"}, False, True),
        ("x86_64/a/2", {"avx512_vnni", "avx512_bf16"}, True, True),
        ("x86_64/a/2", {"amx_bf16", "amx_int8"}, True, True),
        ("aarch64/a/2", {"asimd"}, False, True),
        ("aarch64/a/2", {"bf16", "i8mm"}, True, True),
        ("arm64/Apple M9/8", set(), False, True),
    ],
)
def test_flags_say_what_is_native(name, flags, bf16, exact):
    cpu = Cpu(name, frozenset(flags))

    assert (bf16, exact) == (cpu.native_bf16, cpu.sums_bytes_exactly)


def test_this_one_has_a_name():
    assert 3 == len(this_cpu().name.split("/", 2))


def cpuinfo(folder, cores):
    path = folder / "cpuinfo"
    path.write_text("".join(f"physical id\t: {socket}\ncore id\t: {core}\n\n" for socket, core in cores))
    return path


@pytest.fixture
def eight_processors(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)


@pytest.mark.usefixtures("eight_processors")
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ({"cpu.max": "what is this"}, 8),
    ],
)
def test_cores_are_those_that_the_control_group_leaves(tmp_path, files, expected):
    (tmp_path / "cpu").mkdir()
    for name, content in files.items():
        (tmp_path / name).write_text(content)

    assert expected == usable_cores(cpuinfo=tmp_path / "none", cgroups=tmp_path)


@pytest.mark.usefixtures("eight_processors")
def test_two_threads_of_a_core_count_once(tmp_path):
    described = cpuinfo(tmp_path, [(socket, core) for socket in range(2) for core in (0, 1)] * 2)

    assert 4 == usable_cores(cpuinfo=described, cgroups=tmp_path)
