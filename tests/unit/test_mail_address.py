from __future__ import annotations

import pytest

from tasks_platform.errors import ServiceRefusedError
from tasks_platform.services.mail_address import ascii_address


@pytest.mark.parametrize(
    ("email", "ascii_form"),
    [
        ("ana@kontor.example", "ana@kontor.example"),
        ("ana.b+invoices@mail.kontor.example", "ana.b+invoices@mail.kontor.example"),
        ("o'neil_{x}@kontor.example", "o'neil_{x}@kontor.example"),
        ("invoices@localhost", "invoices@localhost"),
        ("ana@münchen.example", "ana@xn--mnchen-3ya.example"),
        ("ana@łódź.example", "ana@xn--d-uga0v4h.example"),
    ],
)
def test_an_address_becomes_what_servers_take(email: str, ascii_form: str) -> None:
    assert ascii_address(email) == ascii_form


@pytest.mark.parametrize(
    "email",
    [
        *(
            "",
            "ana",
            "@",
            "ana@",
            "@kontor.example",
            "ana@@kontor.example",
            "ana b@kontor.example",
            "ana@kon tor.example",
        ),
        *("ana@kontor..example", "ana@.example", "ana@-kontor.example", ".ana@kontor.example", "a..b@kontor.example"),
        *("ana@kontor.example\n", "ana@kontor.example\r\nRCPT TO:<x@y.example>", "ana@x.example,eva@y.example"),
        *(
            "Ana <ana@kontor.example>",
            "<ana@kontor.example>",
            "żaba@kontor.example",
            "ana@[127.0.0.1]",
            '"a b"@x.example',
        ),
        *("a" * 65 + "@kontor.example", "ana@" + "a" * 64 + ".example", "ana@" + "abcdefg." * 32 + "example"),
        *("ana@kontor.example>", "ana@kon\x00tor.example", "ana@\ud800.example"),
    ],
)
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(ServiceRefusedError, match="is no mail address"):
        ascii_address(email)
