"""Bring the books in line with a clients file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from tasks_platform.services.books.clients_file import ClientItem, ClientsFile, OrganizationItem, RateItem
from tasks_platform.services.books.models import Client, Organization, Project, Rate
from tasks_platform.services.books.names import plain_name


def load_clients(session: Session, content: ClientsFile) -> Organization:
    """Create or update the organization, its clients, projects and rates; nothing is removed.

    Loading the same file again changes nothing. Invoices that were drafted keep what they were drafted with.
    """
    item = content.organization
    organization = session.scalars(select(Organization).where(Organization.slug == item.slug)).one_or_none()
    if organization is None:
        organization = Organization(slug=item.slug, last_invoice_number=0)
        session.add(organization)
    _describe_organization(organization, item)
    session.flush()
    for name in item.projects:
        find_or_create_project(session, organization.id, None, name)
    _set_rates(session, _Owner(organization.id), item.rates, item.currency)
    for client_item in content.clients:
        _load_client(session, organization, client_item)
    return organization


def find_or_create_project(session: Session, organization_id: int, client_id: int | None, name: str) -> Project:
    """Return the project of this client, or of the organization itself."""
    project = session.scalars(
        select(Project).where(
            Project.organization_id == organization_id,
            Project.client_id.is_(None) if client_id is None else Project.client_id == client_id,
            Project.name == plain_name(name),
        )
    ).one_or_none()
    if project is None:
        project = Project(organization_id=organization_id, client_id=client_id, name=plain_name(name))
        session.add(project)
        session.flush()
    return project


def _describe_organization(organization: Organization, item: OrganizationItem) -> None:
    organization.name = item.name
    organization.address = item.address
    organization.email = item.email
    organization.tax_id = item.tax_id
    organization.invoice_prefix = item.invoice_prefix
    organization.time_zone = item.time_zone
    organization.currency = item.currency
    organization.tax_rate = item.tax_rate
    organization.payment_days = item.payment_days
    organization.bank = item.bank


def _load_client(session: Session, organization: Organization, item: ClientItem) -> None:
    name = plain_name(item.name)
    client = session.scalars(
        select(Client).where(Client.organization_id == organization.id, Client.name == name)
    ).one_or_none()
    if client is None:
        client = Client(organization_id=organization.id, name=name)
        session.add(client)
    client.address = item.address
    client.email = item.email
    client.tax_id = item.tax_id
    client.currency = item.currency
    client.tax_rate = item.tax_rate
    client.tax_note = item.tax_note
    client.payment_days = organization.payment_days if item.payment_days is None else item.payment_days
    session.flush()
    _set_rates(session, _Owner(organization.id, client_id=client.id), item.rates, item.currency)
    for project_item in item.projects:
        project = find_or_create_project(session, organization.id, client.id, project_item.name)
        _set_rates(session, _Owner(organization.id, project_id=project.id), project_item.rates, item.currency)


class _Owner(NamedTuple):
    """Whose rates they are; the organization's own without the last two."""

    organization_id: int
    client_id: int | None = None
    project_id: int | None = None


def _set_rates(session: Session, owner: _Owner, items: Iterable[RateItem], currency: str) -> None:
    present = {
        (rate.currency, rate.valid_from): rate
        for rate in session.scalars(select(Rate).where(Rate.organization_id == owner.organization_id))
        if (rate.client_id, rate.project_id) == (owner.client_id, owner.project_id)
    }
    for item in items:
        key = (item.currency or currency, item.valid_from)
        rate = present.get(key)
        if rate is None:
            rate = Rate(**owner._asdict(), currency=key[0], valid_from=key[1])
            session.add(rate)
        rate.hourly = item.hourly
    session.flush()
