"""The figures, measured: `python -m bench`.

Belongs here: running the product as a person would, with a clock, and what it is held against. Does not belong here:
anything the product needs, a test of what it concludes (`tests`), or many nights played (`tests.simulation`). Its home is
`tests.support.home`, the one thing it shares with the tests.

    results      a row of the table, ratios, the exponent, Markdown
    floor        the same rows by server-side COPY alone
    child        one night, or one sample, in a process of its own
    figures      what is measured
"""
