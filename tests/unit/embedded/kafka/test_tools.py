import pytest

from textsieve.embedded.kafka.tools import CLASSES, tool_command


@pytest.fixture(autouse=True)
def java(monkeypatch, tmp_path):
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.touch()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("version", "main"), [("3.9.2", "kafka.tools.ConsoleProducer"), ("4.0.0", "org.apache.kafka.tools.ConsoleProducer")]
)
def test_the_console_producer_is_found_where_its_version_has_it(version, main):
    assert main in tool_command("kafka-console-producer", classpath="a.jar", version=version)


@pytest.mark.parametrize("tool", CLASSES)
def test_arguments_reach_every_tool(tool):
    command = tool_command(tool, "--bootstrap-server", "host:1", classpath="a.jar", version="4.1.2")

    assert (CLASSES[tool], "--bootstrap-server", "host:1") == command[-3:]
