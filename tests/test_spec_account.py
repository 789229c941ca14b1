"""docs/spec/account.md holds: its samples are read as they were written, and hold nothing of anybody else's mailbox."""

import json
from pathlib import Path

import pytest

from locum.checkable import File, Trusted, verify
from locum.herkey import HerKey

SPEC = Path(__file__).parent.parent / "docs" / "spec"
VECTORS = SPEC / "vectors"
TOLD = json.loads((VECTORS / "account.json").read_text("utf-8"))
FILES = [one["file"] for one in (*TOLD["files"], *TOLD["spoiled"])]


def read(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_a_sample_is_read_and_written_as_the_same_bytes(name):
    assert File.load(read(name)).dump() == read(name)


@pytest.mark.parametrize("one", TOLD["files"], ids=lambda one: one["file"])
def test_a_key_file_goes_with_its_sample(one):
    file, key = File.load(read(one["file"])), HerKey.load(read(one["key"]))
    assert (file.stream, file.key, file.vkey) == (key.stream, key.key, key.vkey)


@pytest.mark.parametrize("one", TOLD["files"], ids=lambda one: one["file"])
def test_a_sample_has_the_places_that_are_told(one):
    places = File.load(read(one["file"])).places
    assert (len(places), sum(place.payload is None for place in places)) == (one["entries"], one["erased"])


def test_every_field_of_the_file_is_on_the_page():
    table = (SPEC / "account.md").read_text("utf-8").partition("| key | value |")[2].partition("\n\n")[0]
    assert {line.split("`")[1] for line in table.split("\n")[2:]} == set(json.loads(read("anna.locum")))


@pytest.mark.parametrize("one", TOLD["files"], ids=lambda one: one["file"])
def test_a_good_sample_holds_as_it_is_told(one):
    found = verify(File.load(read(one["file"])), Trusted(key=HerKey.load(read(one["key"]))))
    assert (found.holds, found.size, found.entries) == (True, one["size"], one["entries"])


@pytest.mark.parametrize("one", TOLD["spoiled"], ids=lambda one: one["file"])
def test_a_spoiled_sample_fails_the_check_that_is_told(one):
    earlier = [File.load(read(one["earlier"])).checkpoint] if "earlier" in one else []
    found = verify(File.load(read(one["file"])), Trusted(key=HerKey.load(read(one["key"])), earlier=earlier))
    assert any(said.holds is False for said in found.of(one["check"]))
