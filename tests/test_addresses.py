"""Addresses: one form to compare, strict syntax, and what may be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.addresses import canonical, domain, exception, in_domains, mask
from locum.errors import Invalid


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (" Anna@Corp.Test ", "anna@corp.test"),
        ("O'Brien+x@corp.test", "o'brien+x@corp.test"),
        ("ZOE\u0308@bücher.test", "zoë@bücher.test"),
        ("anna@localhost", "anna@localhost"),
    ],
)
def test_an_address_has_one_form(text: str, form: str) -> None:
    assert canonical(text) == form


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "a@",
        "@b",
        "a b@c",
        '"a b"@c',
        "a@b@c",
        "a@[127.0.0.1]",
        "a@b.",
        "a@.b",
        "a@b_c",
        "a@b-",
        "a\n@b",
        "a@b\0",
        "../x@corp.test",
        "a/b@corp.test",
        "a@b/c",
        "\u202ea@b",
        "a@" + "b" * 64,
        "a@" + "b." * 127 + "b",
        "a\u3000x@b",
        "<a@b>",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="bad-address"):
        canonical(text)


@given(st.text())
def test_the_one_form_stays_as_it_is_and_is_never_dangerous(text: str) -> None:
    try:
        form = canonical(text)
    except Invalid:
        return
    assert canonical(form) == form
    assert not set(form) & set('/\\"<>\0\r\n \t')


def test_an_exception_is_an_address_or_a_domain() -> None:
    assert exception("Eva@Else.test") == "eva@else.test"
    assert exception("Else.test") == exception("@else.TEST") == "else.test"
    with pytest.raises(Invalid):
        exception("else test")


def test_a_subdomain_is_another_domain() -> None:
    assert in_domains("a@corp.test", ("corp.test",))
    assert not in_domains("a@x.corp.test", ("corp.test",))
    assert not in_domains("a@evilcorp.test", ("corp.test",))
    assert domain("@Corp.test") == "corp.test"


def test_a_mask_shows_enough_to_recognise_ones_own() -> None:
    assert mask("anna.devries@gmail.com") == "a…@gmail.com"
    assert mask("+31612345678") == "…78"
