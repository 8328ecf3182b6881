"""The web edge: what a person sees who opens the server's address in a browser.

What it is for: a start page that says what this is, shows that it lives, and leads to the first
commands and to the description of the API.

Files:
    pages     gives out the files of ``static``, read once
    static/   the start page, one style sheet, one script, the icon; no build step, no dependency

Who calls it: ``main`` hands ``Pages`` to the HTTP edge, which serves them at ``/`` and ``/assets``
under a Content-Security-Policy that allows nothing inline and nothing from elsewhere.

It must not know services or the database: its pages ask the same public API as everybody else, and
what they show to strangers says nothing about the devices here.
"""
