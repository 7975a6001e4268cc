"""SQLAlchemy Core over SQLite. Import `schema` for the tables, `engine.Database` for transactions."""
