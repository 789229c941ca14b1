"""The pages of the record, for whoever is signed in: the published state in words, its leaves and checkpoint as files, the proof
that it goes on from an earlier one. Over a real record; nothing that is not published yet is given.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from inside import Inside
from tests.world import World

from locum import proving, tlog
from locum.approval import fingerprint
from locum.demo.sink import Sink


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sink() as sink:
        yield World(tmp_path, sink)


@pytest.fixture
def inside(world: World) -> Inside:
    """Something was published, and something was signed after it that is not published yet."""
    world.request()
    world.app.publish()
    world.work()
    world.app.sign()
    return Inside(world)


def checkpoint(inside: Inside) -> tlog.Checkpoint:
    return tlog.parse_checkpoint(inside.browser("anna").get("/record/checkpoint").content)


def test_the_checkpoint_is_the_published_one_with_its_signature(inside: Inside) -> None:
    signer = inside.world.app.the_signer()
    note = inside.browser("anna").get("/record/checkpoint").content
    assert tlog.verify(note, signer.vkey) == checkpoint(inside).text()


def test_the_leaves_are_those_of_the_checkpoint_and_no_more(inside: Inside) -> None:
    content = inside.browser("anna").get("/record/leaves").content
    hashes = [tlog.leaf_hash(content[at : at + 65]) for at in range(0, len(content), 65)]
    assert (len(hashes), tlog.root(hashes)) == (checkpoint(inside).size, checkpoint(inside).root)


def test_what_is_signed_and_not_published_is_not_given(inside: Inside) -> None:
    assert inside.world.app.flat_file.size() > checkpoint(inside).size


@pytest.mark.parametrize(("person", "language"), [("anna", "nl"), ("carla", "en")])
def test_the_page_shows_the_root_in_the_readers_words(inside: Inside, person: str, language: str) -> None:
    assert fingerprint(checkpoint(inside).root.hex(), language) in inside.browser(person).text("/record")


def test_everybody_gets_the_same(inside: Inside) -> None:
    assert len({inside.browser(one).get("/record/leaves").content for one in ("anna", "bob", "carla", "dirk")}) == 1


def test_the_proof_from_an_earlier_state_holds(inside: Inside) -> None:
    old = checkpoint(inside)
    inside.world.app.publish()
    answer = inside.browser("anna").get(f"/record/proof?size={old.size}")
    assert (checkpoint(inside).size > old.size, proving.continues(old, answer.content)) == (True, True)


@pytest.mark.parametrize("size", ["", "x", "-1", "９", "1000", "9" * 19, "<script>"])
def test_a_size_that_was_never_published_has_no_proof(inside: Inside, size: str) -> None:
    answer = inside.browser("anna").get(f"/record/proof?size={size}")
    assert (answer.status_code, "<script>" in answer.text.partition("<main")[2]) == (400, False)


@pytest.mark.parametrize("path", ["/record", "/record/leaves", "/record/checkpoint", "/record/proof?size=1"])
def test_whoever_is_not_signed_in_is_sent_to_sign_in(inside: Inside, path: str) -> None:
    nobody = inside.browser("anna")
    nobody.client.cookies.clear()
    assert nobody.get(path).status_code == 303


@pytest.mark.parametrize(
    ("path", "status"), [("", 200), ("/leaves", 404), ("/checkpoint", 404), ("/proof?size=1", 400)]
)
def test_before_anything_is_published_the_page_says_so(world: World, path: str, status: int) -> None:
    answer = Inside(world).browser("anna").get(f"/record{path}")
    assert (answer.status_code, "nog niets" in answer.text) == (status, True)


def test_a_folder_that_cannot_be_read_is_said(world: World) -> None:
    world.request()
    world.app.publish()
    world.app.flat_file.checkpoint_path.unlink()
    world.app.flat_file.checkpoint_path.mkdir()
    answer = Inside(world).browser("anna").get("/record")
    assert (answer.status_code, "De map van het logboek" in answer.text) == (503, True)
