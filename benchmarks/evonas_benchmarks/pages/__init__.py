"""What people read: the report of a suite, its plots, tables of text."""
