"""Letters as print-ready PDF (B12-B18).

``contents`` says what stands in each letter, ``batches`` cuts a night's letters into documents and an index,
``typesetting`` makes a document of some: ``forms`` tells what they have in common, ``composing`` puts it together.
``templates`` is how they look, ``lang`` every word of them. Does not belong here: which letter is due, the store. Nothing is
imported here: a typesetting process loads ``typesetting`` alone.
"""
