"""One module a page: its routes and what its template is given. Each makes a ``router``, and nothing at import."""
