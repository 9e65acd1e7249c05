"""Switches of the master under load: who goes on when, and what became of every job."""
