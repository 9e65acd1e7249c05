"""Accounts: who signs in, and the tokens that are mailed to them."""
