from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sample_accounts import ANA, account
from tasks_platform.services.account_mail import note_mail, password_mail, trial_mail, welcome_mail
from tasks_platform.services.mail_message import message_of
from tasks_platform.services.mailer import Address, Mail

LINK = "https://app.example/verify#token=a-b_c&d"
ID = "<welcome.7@kontor.example>"


def every_mail(to=ANA) -> list[Mail]:
    return [
        welcome_mail(to, link=LINK, message_id=ID),
        password_mail(to, link=LINK, lifetime=timedelta(hours=1), message_id=ID),
        trial_mail(to, ends_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC), link=LINK, message_id=ID),
        note_mail(to, subject="News", paragraphs=["First.", "Second."], message_id=ID),
    ]


def test_every_mail_comes_from_the_organization_and_says_the_same_twice():
    for mail in every_mail():
        assert mail.to == (Address(email="ana@kontor.example", name="Ana Ruiz"),)
        assert (mail.sender_name, mail.message_id) == ("Kontor GmbH", ID)
        assert mail.reply_to == Address(email="office@kontor.example", name="Kontor GmbH")
        assert mail.text.startswith("Hello Ana Ruiz,\n")
        assert "Hello Ana Ruiz," in mail.html
        assert "Kontor GmbH, Speicherstadt 14, Hamburg" in mail.html
        assert ID in message_of(mail, sender="mail@kontor.example").as_string()


def test_a_link_is_whole_in_the_text_and_escaped_in_html():
    for mail in every_mail()[:3]:
        assert f"\n{LINK}\n" in mail.text
        assert f'href="{LINK.replace("&", "&amp;")}"' in mail.html


def test_who_is_verified_already_is_not_asked_again():
    mail = welcome_mail(ANA, link=None, message_id=ID)
    assert "http" not in mail.text
    assert "confirm" not in mail.html


def test_the_end_of_a_trial_is_a_day_of_the_organization():
    mail = every_mail()[2]
    assert mail.subject == "Your trial ends on 21 November 2026"
    assert "ends on 21 November 2026." in mail.text


def test_a_password_mail_says_how_long_its_link_is_good():
    assert "within 60 minutes" in every_mail()[1].text


def test_an_organization_without_an_address_gets_no_answers():
    sender = replace(ANA.sender, email="")
    assert all(mail.reply_to is None for mail in every_mail(account(sender=sender)))


@pytest.mark.parametrize("name", ["<b>Ana</b>", "{{ 7 * 7 }}", "{% raw %}", "Ana & Co"])
def test_a_name_is_only_a_name(name):
    for mail in every_mail(account(name=name)):
        assert f"Hello {name}," in mail.text
        assert f"Hello {name.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}," in mail.html
