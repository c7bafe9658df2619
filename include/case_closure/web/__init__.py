"""The desk: pages for those who work with this every day, server-rendered, in Airflow's frame or alone.

Belongs here: routes, forms, templates, the look. Does not belong here: rules, SQL (``store.shown``), what people do
(``desk``); it knows no stage, gate or night.

    app.py        the application: who asks, what every answer carries, refusals as pages
    access.py     every route with what it takes to see it; a route without a line does not start
    forms.py      what is posted: from our own pages, signed, not too large
    rendering.py  templates and how amounts, dates and codes are written
    pages/        one module a page
"""
