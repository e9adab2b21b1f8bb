"""The database: SQLAlchemy tables, repositories, migrations."""
