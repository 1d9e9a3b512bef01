"""The engine behind the service `sql`: SQLite, with what it may do listed and what it may cost bounded."""
