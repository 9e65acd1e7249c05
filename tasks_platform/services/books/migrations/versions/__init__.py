"""One revision per file; what has been released is never changed."""
