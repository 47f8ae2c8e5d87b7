"""Versions of the state database's tables, kept by Alembic (:mod:`.running`)."""

HEAD = "0008"
"""The newest revision; a test holds it equal to what Alembic finds in ``versions/``."""
