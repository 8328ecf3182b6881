"""What leaves the server for people: mail.

What it is for: letters that the capabilities above write (a password to reset, a device to hand
over) reach a mail server, or a folder of the operator's where none is set up.

Files:
    mail      Mail, the two ways out (SMTP, a folder), and reading the URL of the mail server
    mailbox   the queue in between: a request never waits for a mail server

Who calls it: identity and devices through ``Mailbox.post``; the composition root builds it.

It must not know what a letter is about, and nothing in it may hold up a request or tell a caller
whether an address exists.
"""
