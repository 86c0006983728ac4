"""A bundle is read whole or not at all."""

import json
import pickle

import msgspec
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.bundle.writing import require_writable, write_bundle
from textsieve.worker.inference.model_factories import bundle_model
from textsieve.worker.inference.model_folder.model_files import file_sha256


@pytest.fixture
def rehash(edit_json):
    """Make the manifest fit a file that a test replaced."""

    def fix(folder, name):
        files = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))["files"]
        edit_json(folder / "bundle.json", files=files | {name: file_sha256(folder / name)})

    return fix


def test_what_is_written_is_read_back(bundle_folder, manifest, head):
    bundle = read_bundle(bundle_folder)

    assert manifest == msgspec.structs.replace(bundle.manifest, files={}, answers_sha256="")
    assert all(np.array_equal(wrote, read) for wrote, read in zip(head, (bundle.weight, bundle.bias), strict=True))


def test_a_head_is_read_back_whatever_order_its_numbers_have_in_memory(tmp_path, manifest, head):
    weight, bias = head

    write_bundle(tmp_path / "head", manifest=manifest, weight=np.asfortranarray(weight), bias=bias)

    assert np.array_equal(weight, read_bundle(tmp_path / "head").weight)


def test_the_encoders_files_come_along(bundle_folder):
    names = set(read_bundle(bundle_folder).manifest.files)

    assert {"heads.safetensors", "model.safetensors", "config.json", "tokenizer.json"} <= names


def test_a_bundle_over_the_package_holds_the_head_only(tmp_path, manifest, head):
    weight, bias = head

    written = write_bundle(tmp_path / "small", manifest=manifest, weight=weight, bias=bias)

    assert ["heads.safetensors"] == list(written.files)


def test_a_head_that_reads_the_embedding_is_served_by_older_workers_too(bundle_folder):
    assert 1 == read_bundle(bundle_folder).manifest.format


def test_a_head_with_a_pooling_of_its_own_asks_for_a_worker_that_knows_it(tmp_path, manifest, head):
    weight, bias = head

    written = write_bundle(
        tmp_path / "b", manifest=msgspec.structs.replace(manifest, head_pooling="cls"), weight=weight, bias=bias
    )

    assert 2 == written.format


def test_an_older_bundle_is_replaced(bundle_folder, manifest, head):
    weight, bias = head
    write_bundle(bundle_folder, manifest=msgspec.structs.replace(manifest, version="2"), weight=weight, bias=bias)

    assert "2" == read_bundle(bundle_folder).manifest.version


def test_a_folder_of_other_files_is_not_written_to(tmp_path, manifest, head):
    (tmp_path / "thesis.txt").touch()
    weight, bias = head

    with pytest.raises(ConfigurationError, match="got other files"):
        write_bundle(tmp_path, manifest=manifest, weight=weight, bias=bias)


def test_files_of_the_older_bundle_do_not_stay_beside_the_new_one(bundle_folder, manifest, head):
    weight, bias = head

    write_bundle(bundle_folder, manifest=manifest, weight=weight, bias=bias)

    assert {"bundle.json", "heads.safetensors"} == {path.name for path in bundle_folder.rglob("*") if path.is_file()}


def test_a_bundle_that_cannot_be_written_leaves_the_older_one(tmp_path, bundle_folder, manifest, head):
    weight, bias = head
    before = read_bundle(bundle_folder).manifest
    (tmp_path / "encoder" / "config.json").mkdir(parents=True)  # a folder: copying it fails

    with pytest.raises(OSError, match=r"config\.json"):
        write_bundle(
            bundle_folder, manifest=manifest, weight=weight + 1, bias=bias, encoder_folder=tmp_path / "encoder"
        )

    assert before == read_bundle(bundle_folder).manifest
    assert not (bundle_folder / ".unfinished").exists()


def test_a_bundle_may_be_written_over_the_one_whose_encoder_it_takes(bundle_folder, manifest, head):
    weight, bias = head
    before = read_bundle(bundle_folder).manifest.files

    write_bundle(bundle_folder, manifest=manifest, weight=weight, bias=bias, encoder_folder=bundle_folder)

    assert before == read_bundle(bundle_folder).manifest.files


def test_what_a_killed_writer_left_is_no_bundle_and_in_nobodys_way(tmp_path, manifest, head):
    weight, bias = head
    (tmp_path / "b" / ".unfinished").mkdir(parents=True)
    (tmp_path / "b" / ".unfinished" / "bundle.json").touch()
    (tmp_path / "b" / "heads.safetensors").touch()
    with pytest.raises(ConfigurationError, match="no such file"):
        read_bundle(tmp_path / "b")

    written = write_bundle(tmp_path / "b", manifest=manifest, weight=weight, bias=bias)

    assert written == read_bundle(tmp_path / "b").manifest
    assert not (tmp_path / "b" / ".unfinished").exists()


def test_a_place_that_no_folder_can_have_is_refused_before_anything_is_done(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match="expected a folder that can be written to"):
        require_writable(tmp_path / "file" / "deeper" / "bundle")


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path):
    with pytest.raises(ConfigurationError, match=r"bundle\.json: .*no such file; set model\.path"):
        read_bundle(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"{}",
        b'"text"',
        b"\x00",
        b"",
        b'{"format": 1, "x": ' + b"[" * 100_000,
        '{"format": 1}'.encode("utf-16"),
    ],
)
def test_a_manifest_that_is_no_manifest_is_refused(bundle_folder, content):
    (bundle_folder / "bundle.json").write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"bundle\.json: expected the fields of a bundle"):
        read_bundle(bundle_folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("labels", "ham"),
        ("multi_label", "yes"),
        ("pooling", "max"),
        ("head_pooling", "last"),
        ("max_tokens", None),
        ("thresholds", {"spam": "high"}),
        ("encoder", {"source": "x"}),
    ],
)
def test_a_field_of_another_type_is_named(bundle_folder, edit_json, field, value):
    edit_json(bundle_folder / "bundle.json", **{field: value})

    with pytest.raises(ConfigurationError, match=rf"\$\.{field}"):
        read_bundle(bundle_folder)


@pytest.mark.parametrize("labels", [[], ["ham", "ham"]])
def test_labels_must_be_there_and_distinct(bundle_folder, edit_json, labels):
    edit_json(bundle_folder / "bundle.json", labels=labels)

    with pytest.raises(ConfigurationError, match="distinct labels"):
        read_bundle(bundle_folder)


@pytest.mark.parametrize(
    ("thresholds", "words"),
    [
        ({"spamm": 0.5}, "one for 'spamm'"),
        ({"spam": 1.5}, "1.5 for 'spam', which is not within"),
        ({"ham": 0.5, "spam": 0.5, "other": 0.5}, "one for every label"),
    ],
)
def test_thresholds_must_fit_the_labels(bundle_folder, edit_json, thresholds, words):
    edit_json(bundle_folder / "bundle.json", thresholds=thresholds)

    with pytest.raises(ConfigurationError, match=words):
        read_bundle(bundle_folder)


def test_a_bundle_with_thresholds_asks_for_a_worker_that_applies_them(tmp_path, manifest, head):
    weight, bias = head
    strict = msgspec.structs.replace(manifest, thresholds={"spam": 0.9})

    written = write_bundle(tmp_path / "strict", manifest=strict, weight=weight, bias=bias)

    assert 3 == written.format


def test_a_newer_format_asks_for_a_newer_worker(bundle_folder, edit_json):
    edit_json(bundle_folder / "bundle.json", format=5)

    with pytest.raises(ConfigurationError, match="expected format 1 to 4, got format 5; use the worker version"):
        read_bundle(bundle_folder)


@pytest.mark.parametrize("name", ["heads.safetensors", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(bundle_folder, name):
    (bundle_folder / name).unlink()

    with pytest.raises(ConfigurationError, match=rf"{name}: .*no such file"):
        read_bundle(bundle_folder)


@pytest.mark.parametrize("name", ["heads.safetensors", "model.safetensors", "tokenizer.json"])
def test_a_changed_file_is_named(bundle_folder, name):
    with (bundle_folder / name).open("ab") as file:
        file.write(b" ")

    with pytest.raises(ConfigurationError, match=rf"{name}: expected sha256"):
        read_bundle(bundle_folder)


def test_a_manifest_that_does_not_name_the_head_is_refused(bundle_folder, edit_json):
    edit_json(bundle_folder / "bundle.json", files={})

    with pytest.raises(ConfigurationError, match=r"expected a hash of heads\.safetensors"):
        read_bundle(bundle_folder)


def test_paths_that_lead_out_of_the_bundle_are_refused(bundle_folder, edit_json):
    edit_json(bundle_folder / "bundle.json", files={"../secret": "", "heads.safetensors": ""})

    with pytest.raises(ConfigurationError, match="paths inside the bundle"):
        read_bundle(bundle_folder)


@pytest.mark.parametrize("cut", [None, 0, 20, -4])
def test_a_head_that_is_no_safetensors_is_refused(bundle_folder, rehash, head, cut):
    path = bundle_folder / "heads.safetensors"
    path.write_bytes(
        pickle.dumps(dict(zip(("weight", "bias"), head, strict=True))) if cut is None else path.read_bytes()[:cut]
    )
    rehash(bundle_folder, "heads.safetensors")

    with pytest.raises(ConfigurationError, match=r"heads\.safetensors: expected a safetensors file"):
        read_bundle(bundle_folder)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64, torch.int64])
def test_a_head_of_another_type_of_number_is_refused(bundle_folder, rehash, head, kind):
    tensors = {name: torch.from_numpy(part).to(kind) for name, part in zip(("weight", "bias"), head, strict=True)}
    save_torch_file(tensors, bundle_folder / "heads.safetensors")
    rehash(bundle_folder, "heads.safetensors")

    with pytest.raises(ConfigurationError, match=r"heads\.safetensors: expected .*float32"):
        read_bundle(bundle_folder)


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_a_head_with_a_number_that_is_none_is_refused(bundle_folder, rehash, head, odd):
    weight, bias = head
    weight[1, 2] = odd
    save_file({"weight": weight, "bias": bias}, bundle_folder / "heads.safetensors")
    rehash(bundle_folder, "heads.safetensors")

    with pytest.raises(ConfigurationError, match="expected finite weights"):
        read_bundle(bundle_folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"thresholds": {"eggs": 0.5}}, "got one for 'eggs', and the labels are ham, spam, other"),
        ({"thresholds": {"spam": 1.5}}, r"got 1\.5 for 'spam', which is not within 0\.\.1"),
        ({"max_tokens": 0}, "expected max_tokens of 3 and more, got 0"),
    ],
)
def test_a_field_of_an_impossible_value_is_named(bundle_folder, edit_json, changes, message):
    edit_json(bundle_folder / "bundle.json", **changes)

    with pytest.raises(ConfigurationError, match=message):
        read_bundle(bundle_folder)


@pytest.mark.parametrize(
    "tensors",
    [
        {"weight": np.zeros((3, 32), dtype=np.float32)},
        {"weight": np.zeros((2, 32), dtype=np.float32), "bias": np.zeros(2, dtype=np.float32)},
        {"weight": np.zeros(3, dtype=np.float32), "bias": np.zeros(3, dtype=np.float32)},
    ],
)
def test_a_head_of_another_shape_is_refused(bundle_folder, rehash, tensors):
    save_file(tensors, bundle_folder / "heads.safetensors")
    rehash(bundle_folder, "heads.safetensors")

    with pytest.raises(ConfigurationError, match=r"heads\.safetensors: expected"):
        read_bundle(bundle_folder)


def version(folder, settings_for) -> str:
    return bundle_model(read_bundle(folder), settings_for(folder)).card.version


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ["spam", "ham", "other"]},
        {"labels": ["ham", "eggs", "other"]},
        {"multi_label": True},
        {"pooling": "cls"},
        {"head_pooling": "cls"},
        {"max_tokens": 12},
        {"prefix": "free "},
        {"thresholds": {"spam": 0.9}},
    ],
)
def test_whoever_edits_what_answers_depend_on_makes_another_version(bundle_folder, edit_json, settings_for, changes):
    before = version(bundle_folder, settings_for)
    edit_json(bundle_folder / "bundle.json", **changes)

    assert "2026-11-23.1" == before
    assert version(bundle_folder, settings_for).startswith("2026-11-23.1+edited.")


@pytest.mark.parametrize("changes", [{"name": "other"}, {"created": "2026-11-24T00:00:00+00:00"}])
def test_what_no_answer_depends_on_may_be_edited(bundle_folder, edit_json, settings_for, changes):
    edit_json(bundle_folder / "bundle.json", **changes)

    assert "2026-11-23.1" == version(bundle_folder, settings_for)


def test_a_bundle_from_before_this_hash_keeps_its_version(bundle_folder, edit_json, settings_for):
    edit_json(bundle_folder / "bundle.json", answers_sha256="", labels=["spam", "ham", "other"])

    assert "2026-11-23.1" == version(bundle_folder, settings_for)


def test_thresholds_mean_the_same_in_any_order(manifest):
    one, other = (
        msgspec.structs.replace(manifest, thresholds=thresholds).answering_sha256()
        for thresholds in ({"spam": 0.9, "ham": 0.8}, {"ham": 0.8, "spam": 0.9})
    )

    assert one == other
