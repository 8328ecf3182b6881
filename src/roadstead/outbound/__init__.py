"""What leaves the server: letters to people, and HTTP requests that tenants configured.

What it is for: the two ways out, each with the care that it needs: a letter never holds up a
request, and a request never reaches into the network that the server stands in.

Files:
    mail         Mail, the two ways out (SMTP, a folder), and reading the URL of the mail server
    mailbox      the queue in between: a request never waits for a mail server
    targets      pure: which addresses are public
    http_client  HTTP requests within limits of time and size, to public addresses only;
                 http_messages has their values
    signing      Standard Webhooks: what shows a receiver that a request is ours

Who calls it: identity, devices and notifications post letters; notifications and integrations send
requests; the composition root builds both.

It must not know what a letter or a request is about, and nothing in it may hold up a request or
tell a caller whether an address exists.
"""
