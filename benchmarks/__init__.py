"""gdexp beside the figures of others: commands whose tables the docs show."""
