"""The books: clients, time entries and invoices of an organization, in a database."""

from tasks_platform.services.books.billable import ClientToBill, clients_to_bill
from tasks_platform.services.books.booking import BookingReport, book_month
from tasks_platform.services.books.clients import load_clients
from tasks_platform.services.books.clients_file import ClientsFile, read_clients_file
from tasks_platform.services.books.database import Database
from tasks_platform.services.books.document import invoice_document
from tasks_platform.services.books.drafting import DraftedInvoice, DraftProblem, DraftReport, draft_invoices
from tasks_platform.services.books.filing import file_key, invoice_of
from tasks_platform.services.books.import_report import ImportOptions, ImportReport
from tasks_platform.services.books.importing import import_entries, import_file
from tasks_platform.services.books.late import LateWork
from tasks_platform.services.books.milestones import mark_filed, mark_mailed, mark_rendered
from tasks_platform.services.books.models import InvoiceState
from tasks_platform.services.books.month import Month
from tasks_platform.services.books.organizations import find_organization, only_organization, organization_slugs
from tasks_platform.services.books.summary import Summary, SummaryRow, summarize
from tasks_platform.services.books.toggl import DateOrder, EntryRow, RowError, read_toggl

__all__ = [
    "BookingReport",
    "ClientToBill",
    "ClientsFile",
    "Database",
    "DateOrder",
    "DraftProblem",
    "DraftReport",
    "DraftedInvoice",
    "EntryRow",
    "ImportOptions",
    "ImportReport",
    "InvoiceState",
    "LateWork",
    "Month",
    "RowError",
    "Summary",
    "SummaryRow",
    "book_month",
    "clients_to_bill",
    "draft_invoices",
    "file_key",
    "find_organization",
    "import_entries",
    "import_file",
    "invoice_document",
    "invoice_of",
    "load_clients",
    "mark_filed",
    "mark_mailed",
    "mark_rendered",
    "only_organization",
    "organization_slugs",
    "read_clients_file",
    "read_toggl",
    "summarize",
]
