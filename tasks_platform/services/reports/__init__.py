"""Reports: what was earned, as a value, a chart, a document and a workbook."""

from tasks_platform.services.reports.mail import revenue_mail
from tasks_platform.services.reports.revenue import (
    CurrencyTotal,
    PricedWork,
    Revenue,
    RevenueLine,
    Unpriced,
    revenue_of,
)
from tasks_platform.services.reports.work import WorkRead, read_work
from tasks_platform.services.reports.workbook import revenue_workbook

__all__ = [
    "CurrencyTotal",
    "PricedWork",
    "Revenue",
    "RevenueLine",
    "Unpriced",
    "WorkRead",
    "read_work",
    "revenue_mail",
    "revenue_of",
    "revenue_workbook",
]
