"""The first two keys as an administrator meets them: the file that `locum enrol` wrote, and the pages as `locum serve` wires them;
and the letters, as the relay gets them.
"""

import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from authenticator import Authenticator
from people_house import press
from starlette.testclient import TestClient
from tests.world import World

from locum.demo.sink import Sink
from locum.register import Moment
from locum.web import make_app

URL = "https://locum.corp.test"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sink() as sink:
        yield World(tmp_path, sink, more=f'[web]\nurl = "{URL}"\n')


def test_the_link_in_the_file_leads_to_two_keys_that_count_and_to_two_letters(world: World) -> None:
    file = world.app.write_first_link(anew=True)
    assert file is not None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    app = world.app
    pages = make_app(app.desk, organisation="Voorbeeld BV", url=URL, doorway=app.doorway, inside=app.desk)
    browser = TestClient(pages, base_url=URL, follow_redirects=False, headers={"accept-language": "nl"})
    link = urlsplit(file.read_text().strip()).path
    said = {"one": "bob@corp.test", "other": "dirk@corp.test", "present": "Nora, OR"}
    page, bob, dirk = browser.post(link, data=said), Authenticator(URL), Authenticator(URL)
    for device in (bob, dirk, bob, dirk):
        page = press(browser, page, device)
    assert "Jullie hebben de eerste twee sleutels" in page.text
    assert app.desk.register().people(Moment(world.now)) == {"bob": {"it"}, "dirk": {"hr"}}
    world.work()
    for reader in ("bob@corp.test", "dirk@corp.test"):
        (letter,) = world.letters(reader)
        text = letter.mail.get_body(("plain",)).get_content()
        assert ("Nora, OR" in text, "https://" in text) == (True, False)
