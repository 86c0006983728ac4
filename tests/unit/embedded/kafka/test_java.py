import pytest

from textsieve.embedded.errors import BinaryMissing
from textsieve.embedded.kafka.java import java_command


def test_without_java_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(BinaryMissing, match="apt install default-jre-headless"):
        java_command("a.jar", "kafka.Kafka")


def test_java_home_stands_above_the_path(monkeypatch, tmp_path):
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.touch()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    assert str(program) == java_command("a.jar", "kafka.Kafka")[0]


def test_heap_classpath_and_arguments_reach_java(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch()

    command = java_command("a.jar:b.jar", "kafka.Kafka", "server.properties", heap_mb=99)

    assert "-Xmx99m" in command
    assert ("-cp", "a.jar:b.jar", "kafka.Kafka", "server.properties") == command[-4:]
