"""The web edge: what a person sees who opens the server's address in a browser.

What it is for: the console, a web application for makers and operators. Its sources are in
``console/`` at the root of the project; ``make console`` builds them into ``static``, which is
packed into the wheel. Where nothing is built, a plain start page says what this is, shows that it
lives, and leads to the first commands and to the description of the API.

Files:
    pages     gives out the files of ``static`` or else of ``plain``, read and compressed once
    plain/    the start page, one style sheet, one script, the icon; no build step
    static/   the built console; not kept under version control

Who calls it: ``main`` hands ``Pages`` to the HTTP edge, which serves them at ``/``, at the paths of
the console's pages and below ``/assets`` under a Content-Security-Policy that allows nothing inline
and nothing from elsewhere.

It must not know services or the database: its pages ask the same public API as everybody else, and
what they show to strangers says nothing about the devices here.
"""
