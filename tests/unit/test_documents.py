from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from read_invoice import read_text, read_total
from sample_invoices import RECIPIENT, SENDER, invoice_of, invoice_with, line
from tasks_platform.errors import ServiceRefusedError
from tasks_platform.services.documents import TypstRenderer
from tasks_platform.services.printed_invoice import printed_invoice


@pytest.fixture(scope="module")
def renderer() -> TypstRenderer:
    return TypstRenderer()


def test_an_invoice_says_everything_an_accountant_asks_for(renderer: TypstRenderer) -> None:
    lines = read_text(renderer.render_invoice(invoice_with(1))).splitlines()

    assert lines == [
        *("Kontor Beratung GmbH", "Speicherstadt 14", "20457 Hamburg", "Germany"),
        *("Tax ID DE129274202", "billing@kontor.example"),
        "Invoice",
        "Bill to",
        *("Zażółć Gęślą Jaźń Sp. z o.o.", "ul. Świętojańska 7", "81-368 Gdynia", "Poland"),
        *("Tax ID PL5862001234", "faktury@zazolc.example"),
        "Invoice number INV-2026-10-007",
        "Issued 2 November 2026",
        "Due 2 December 2026",
        "Period 1 \N{EN DASH} 31 October 2026",
        "No. Description Hours Rate EUR Amount EUR",
        "1 Support 3.25 102.50 333.13",
        "Subtotal 333.13",
        "Tax 19% 63.29",
        "Total EUR 396.42",
        "Payment",
        "Payable within 30 days without deduction.",
        "Hamburger Sparkasse, IBAN DE02 2005 0550 1015 8717 06, BIC HASPDEHHXXX",
        "Reference INV-2026-10-007",
        "Kontor Beratung GmbH · Tax ID DE129274202 Invoice INV-2026-10-007 1 / 1",
    ]


@pytest.mark.parametrize("count", [0, 1, 12, 80, 200])
def test_the_total_can_be_read_back_from_the_document(renderer: TypstRenderer, count: int) -> None:
    invoice = invoice_with(count)

    assert read_total(renderer.render_invoice(invoice)) == ("EUR", invoice.total)


def test_a_line_that_looks_like_a_total_does_not_pass_for_it(renderer: TypstRenderer) -> None:
    invoice = invoice_of(line(1, "Total EUR 9.99", "12345678.25", "99"))

    assert read_total(renderer.render_invoice(invoice)) == ("EUR", invoice.total)


def test_every_page_repeats_the_columns_and_counts_itself(renderer: TypstRenderer) -> None:
    pages = [page.extract_text() for page in PdfReader(BytesIO(renderer.render_invoice(invoice_with(80)))).pages]

    assert len(pages) == 3
    for number, page in enumerate(pages, 1):
        assert "No. Description Hours Rate EUR Amount EUR" in page
        assert page.endswith(f"Invoice INV-2026-10-007 {number} / 3")
    numbers = re.findall(r"^(\d+) (?:Data|Support|Workshop)", "\n".join(pages), re.MULTILINE)
    assert numbers == [str(n) for n in range(1, 81)]


def test_an_invoice_without_tax_says_why(renderer: TypstRenderer) -> None:
    note = "Reverse charge: the recipient owes the tax."
    text = read_text(renderer.render_invoice(invoice_of(line(1, "Advice"), tax_rate="0", tax_note=note)))

    assert f"Subtotal 696.00\nTax 0% 0.00\nTotal EUR 696.00\n{note}\n" in text


def test_an_empty_tax_id_address_or_way_to_pay_leaves_no_trace(renderer: TypstRenderer) -> None:
    bare = replace(RECIPIENT, address=(), tax_id="", email="")
    text = read_text(renderer.render_invoice(invoice_of(line(1, "Advice"), recipient=bare, payment_terms=())))

    assert f"{RECIPIENT.name}\nInvoice number" in text
    assert text.endswith("Total EUR 828.24\nKontor Beratung GmbH · Tax ID DE129274202 Invoice INV-2026-10-007 1 / 1")


@pytest.mark.parametrize(
    "text",
    [
        "#panic()",
        '#read("/etc/passwd")',
        "*bold* _it_ `raw` $x^2$",
        "back\\slash \\u{41} \\",
        "<label> @ref #{1 + 1}",
        "// comment /* comment */",
        "= heading",
        "- item ~ -- ...",
        "\"}]} {{ x }} {% y %} ' & < >",
        "Łódź Αθήνα Київ Ørsted ™ № ½",
    ],
)
def test_text_is_never_read_as_markup(renderer: TypstRenderer, text: str) -> None:
    document = renderer.render_invoice(
        invoice_of(line(1, text), sender=replace(SENDER, name=text), number=text, tax_note=text, payment_terms=(text,))
    )

    assert f"1 {text} 7.25 96.00 696.00" in read_text(document)
    assert read_text(document).startswith(text)
    assert _described(document)["/Author"] == text


def test_words_longer_than_any_column_are_broken_and_stay_in_it(renderer: TypstRenderer) -> None:
    word = "Donaudampfschifffahrtsgesellschaft" * 5
    invoice = invoice_of(
        line(1, word, "1234567.25", "12345.678"),
        recipient=replace(RECIPIENT, name=word, address=(word,)),
        sender=replace(SENDER, name=word),
        number=word,
    )
    text = read_text(renderer.render_invoice(invoice))

    assert text.replace("\n", "").count(word) == 7
    assert max(len(line) for line in text.splitlines()) < 120


def _described(document: bytes) -> dict[str, str]:
    described = PdfReader(BytesIO(document)).metadata
    assert described is not None
    return dict(described)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("🚀 Launch ✅", "Launch"),
        ("family 👩‍👩‍👧 1️⃣ 🇩🇪 day", "family 1 day"),
        ("a\u200bb\u00adc\ufeffd \u202eabc", "abcd abc"),
        ("joined\u200cletters", "joined\u200cletters"),
        ("line\nbreak\ttab\x00nul\x1besc", "line break tabnulesc"),
        ("half \ud83d pair", "half pair"),
    ],
)
def test_what_cannot_be_seen_or_set_is_left_out(text: str, printed: str) -> None:
    assert printed_invoice(invoice_of(line(1, text)))["lines"] == [("1", printed, "7.25", "96.00", "696.00")]


def test_a_letter_that_no_font_has_is_refused_and_named(renderer: TypstRenderer) -> None:
    with pytest.raises(ServiceRefusedError, match=r'Invoice INV-2026-10-007 .*"漢".* Give the renderer a folder'):
        renderer.render_invoice(invoice_of(line(1, "漢字")))


def test_sums_that_contradict_each_other_are_refused(renderer: TypstRenderer) -> None:
    with pytest.raises(ServiceRefusedError, match=r"INV-2026-10-007 does not add up: its lines sum to 696\.00"):
        renderer.render_invoice(invoice_of(line(1, "Advice"), subtotal=Decimal("700.00")))
    with pytest.raises(ServiceRefusedError, match=r"its tax 132\.24, its total 828\.25"):
        renderer.render_invoice(invoice_of(line(1, "Advice"), total=Decimal("828.25")))


def test_the_document_is_described_and_dated_by_its_invoice(renderer: TypstRenderer) -> None:
    described = _described(renderer.render_invoice(invoice_with(1)))

    assert described["/Title"] == "Invoice INV-2026-10-007"
    assert described["/Author"] == "Kontor Beratung GmbH"
    assert described["/CreationDate"] == "D:20261102000000Z"


def test_the_same_invoice_is_the_same_bytes_in_another_process_and_time_zone() -> None:
    program = """if True:
        import sys
        sys.path.insert(0, sys.argv[1])
        from sample_invoices import invoice_with
        from tasks_platform.services.documents import TypstRenderer
        renderer = TypstRenderer()
        renderer.render_invoice(invoice_with(3))
        sys.stdout.buffer.write(renderer.render_invoice(invoice_with(12)))
    """
    environment = {**os.environ, "TZ": "Asia/Tokyo", "SOURCE_DATE_EPOCH": "1"}
    command = [sys.executable, "-c", program, str(Path(__file__).parents[1])]
    elsewhere = subprocess.run(command, env=environment, capture_output=True, check=True).stdout

    assert TypstRenderer().render_invoice(invoice_with(12)) == elsewhere


def test_threads_share_a_renderer(renderer: TypstRenderer) -> None:
    invoices = [invoice_with(count) for count in range(1, 25)]
    with ThreadPoolExecutor(8) as threads:
        documents = list(threads.map(renderer.render_invoice, invoices))

    assert [read_total(document)[1] for document in documents] == [invoice.total for invoice in invoices]


def test_a_process_forked_after_rendering_gets_an_error_instead_of_waiting_for_ever() -> None:
    program = """if True:
        import os, sys
        sys.path.insert(0, sys.argv[1])
        from sample_invoices import invoice_with
        from tasks_platform.services.documents import TypstRenderer
        renderer = TypstRenderer()
        if sys.argv[2] == "render first":
            renderer.render_invoice(invoice_with(1))
        if os.fork() == 0:
            try:
                print(len(renderer.render_invoice(invoice_with(1))) > 0)
            except Exception as error:
                print(f"{type(error).__name__}: {error}")
            sys.stdout.flush()
            os._exit(0)
        os.wait()
    """

    def child_says(when: str) -> str:
        command = [sys.executable, "-c", program, str(Path(__file__).parents[1]), when]
        return subprocess.run(command, capture_output=True, check=True, timeout=30, text=True).stdout

    assert child_says("fork first") == "True\n"
    assert child_says("render first").startswith("PlatformError: Documents were rendered in process ")


def test_without_typst_the_module_imports_and_the_first_use_names_the_extra() -> None:
    program = """if True:
        import sys
        sys.path.insert(0, sys.argv[1])
        sys.modules["typst"] = None
        from sample_invoices import invoice_with
        from tasks_platform.errors import SettingsError
        from tasks_platform.services.documents import TypstRenderer
        renderer = TypstRenderer()
        try:
            renderer.render_invoice(invoice_with(1))
        except SettingsError as error:
            print(error)
    """
    command = [sys.executable, "-c", program, str(Path(__file__).parents[1])]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout

    assert said.strip() == (
        "Rendering documents needs typst, which is not installed: pip install 'tasks-platform[reports]'"
    )
