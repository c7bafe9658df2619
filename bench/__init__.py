"""The figures, measured: `python -m bench`, and the long one, `python -m bench.soak`.

Belongs here: running the product as a person would, with a clock, and what it is held against. Does not belong here:
anything the product needs, or a test of what it concludes (`tests`).

    results      a row of the table, ratios, the exponent, Markdown
    home         a home of its own: server, databases, environment
    floor        the same rows by server-side COPY alone
    child        one night, or one sample, in a process of its own
    figures      what is measured
    soak         many nights, killed and run again
"""
