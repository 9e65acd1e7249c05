"""The revisions of the tables, in order. They only add, so that an older program runs on newer books."""
