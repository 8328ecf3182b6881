"""What is wrong with a message."""


class MessageFormatError(ValueError):
    """The message does not have the form that its name promises; the text says in a few words why.

    Decoders raise it for what a peer sent, and encoders for what would not fit the form.
    """
