"""What is wrong with bytes that should be CoAP."""


class CoapFormatError(ValueError):
    """The bytes are no CoAP message, option value or block; the text says why in a few words."""
