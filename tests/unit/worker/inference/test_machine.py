"""What a CPU can do is read from its flags."""

import pytest

from worker.inference.machine import Cpu, this_cpu


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
