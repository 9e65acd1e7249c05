"""A mail server for laptops and tests: it files what it takes in a folder, and can be told to refuse."""
