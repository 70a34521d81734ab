"""The schema's history, one numbered step a file; run in-process when a database is opened."""
