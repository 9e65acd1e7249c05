"""What the business asks of the world: books, documents, storage, mail."""
