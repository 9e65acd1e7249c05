"""The clients and projects of an organization, found by the names a time tracker uses."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from tasks_platform.services.books.clients import find_or_create_project
from tasks_platform.services.books.models import Client, Organization, Project


class Directory:
    """Names to ids; what is not known by name is looked for in the database, and created if that is wanted.

    Used under the organization's lock: nobody else creates the same client in between.
    """

    def __init__(self, session: Session, organization: Organization, *, create_missing: bool) -> None:
        self._session = session
        self._organization = organization
        self._create_missing = create_missing
        clients = session.scalars(select(Client).where(Client.organization_id == organization.id))
        projects = session.scalars(select(Project).where(Project.organization_id == organization.id))
        self._clients = {client.name: client.id for client in clients}
        self._projects = {(project.client_id, project.name): project.id for project in projects}

    def client(self, name: str) -> int | None:
        """Return the client of this name, or nothing if there is none and none is to be created."""
        if name not in self._clients and self._create_missing:
            self._clients[name] = self._create_client(name)
        return self._clients.get(name)

    def project(self, client_id: int | None, name: str) -> int | None:
        """Return the project of this name, or nothing if there is none and none is to be created."""
        key = (client_id, name)
        if key not in self._projects and self._create_missing:
            self._projects[key] = find_or_create_project(self._session, self._organization.id, client_id, name).id
        return self._projects.get(key)

    def _create_client(self, name: str) -> int:
        client = Client(
            organization_id=self._organization.id,
            name=name,
            address=(),
            currency=self._organization.currency,
            tax_rate=self._organization.tax_rate,
            payment_days=self._organization.payment_days,
        )
        self._session.add(client)
        self._session.flush()
        return client.id
