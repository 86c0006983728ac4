from typer.testing import CliRunner

from textsieve.embedded.__main__ import app


def test_a_program_that_is_not_there_is_bad_configuration(tmp_path) -> None:
    result = CliRunner().invoke(app, ["up", "--broker-bin", str(tmp_path / "absent")])

    assert (2, True) == (result.exit_code, "--broker-bin" in result.stderr)


def test_a_file_without_texts_is_bad_configuration_before_anything_starts(tmp_path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("message\nhello\n")

    result = CliRunner().invoke(app, ["demo", "--file", str(path)])

    assert (2, True) == (result.exit_code, "--text-column" in result.stderr)
    assert "broker" not in result.stderr


def test_kafka_without_java_says_what_to_install(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("TEXTSIEVE_KAFKA_JARS", str(tmp_path))

    result = CliRunner().invoke(app, ["kafka"])

    assert (2, True) == (result.exit_code, "default-jre-headless" in result.stderr)


def test_a_version_of_kafka_that_is_not_pinned_is_refused_with_those_that_are() -> None:
    result = CliRunner().invoke(app, ["kafka", "--version", "2.8.0"])

    assert (2, True) == (result.exit_code, "4.1.2" in result.stderr)
