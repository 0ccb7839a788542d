"""Tags from metadata in the forms that are about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartoonedit.errors import InvalidInput
from segmentation.dataset.tags import missing_tags, parse_tags, read_tags

FORMS = {
    "Danbooru2021": {"id": "12", "tags": [{"id": "1", "name": "solo"}, {"name": "1girl"}]},
    "tag_string": {"id": 12, "tag_string": "solo 1girl"},
    "list": {"file": "art/12.png", "tags": ["Solo", "1girl"]},
    "text": {"file_name": "a\\12.jpg", "tags": "solo, 1girl"},
    "md5": {"id": 7, "md5": "12", "tags": ["solo", "1girl"]},
}


def write(path: Path, *entries: object) -> Path:
    path.write_text("\n".join(json.dumps(entry) for entry in entries), encoding="utf-8")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_metadata(form: str, tmp_path: Path) -> None:
    other = {"id": "99", "tags": ["scenery"]}
    path = write(tmp_path / "tags.jsonl", other, FORMS[form])
    assert read_tags(path, {"12", "404"}) == {"12": {"solo", "1girl"}}


def test_a_list_instead_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_text(json.dumps(list(FORMS.values()), indent=1), encoding="utf-8")
    assert read_tags(path, {"12"}) == {"12": {"solo", "1girl"}}


def test_names_of_several_words_are_one_tag(tmp_path: Path) -> None:
    path = write(tmp_path / "tags.jsonl", {"id": 1, "tags": ["Transparent background"]})
    assert read_tags(path, {"1"})["1"] == {"transparent_background"}


def test_broken_lines_are_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "tags.jsonl"
    path.write_text('{"id": 1, "tags": ["solo"]}\n{"id": 2, "ta\n\n[3]\n{"id": 4}\n')
    assert read_tags(path, {"1", "2"}) == {"1": {"solo"}}
    assert "3 lines" in caplog.text


@pytest.mark.parametrize("content", [b"", b"no json", b"[1, 2", b"\xff\xfe", b'{"id": 1}'])
def test_files_without_tags_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tags").write_bytes(content)
    with pytest.raises(InvalidInput, match="tags"):
        read_tags(tmp_path / "tags", {"1"})


@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["id", "tags", "file", "tag_string", "name"]), inner
    ),
))  # fmt: skip
def test_any_json_is_read_or_refused(value: object) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "tags.jsonl", value, FORMS["list"])
        try:
            found = read_tags(path, {"12"})
        except InvalidInput:
            return
        assert found["12"] == {"solo", "1girl"}


@pytest.mark.parametrize(
    ("tags", "reason"),
    [(None, "does not name"), ("solo", "not tagged no_humans"), ("", "no_humans and solo"),
     ("solo no_humans sky", "")],
)  # fmt: skip
def test_what_is_missing_is_said(tags: str | None, reason: str) -> None:
    own = None if tags is None else parse_tags(tags)
    said = missing_tags(own, parse_tags("solo, no_humans"))
    assert reason in said
    assert bool(said) == bool(reason)
