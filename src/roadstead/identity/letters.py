"""What the server writes to people about their accounts. Pure."""

from urllib.parse import urlencode

from roadstead.outbound.mail import Mail

RESET_PAGE = "/password-reset"
"""Path of the page on which a new password is set."""


def reset_letter(username: str, origin: str, token: str) -> Mail:
    """The way to a new password."""
    link = f"{origin}{RESET_PAGE}?{urlencode({'token': token})}"
    text = (
        f"Somebody, most likely you, asked for a new password for {username}.\n\n"
        f"Set it within one hour on this page:\n\n  {link}\n\n"
        f"Or by the API: PUT /v1/user/password-reset with the token\n\n  {token}\n\n"
        "It works once, and signs you out everywhere. If it was not you, do nothing.\n"
    )
    return Mail(username, "Your new password", text)


def password_changed_letter(username: str) -> Mail:
    """Tells of a password that was reset, should it have been somebody else."""
    text = (
        f"The password of {username} has just been reset, and all sign-ins have ended.\n\n"
        "If that was not you, ask for a new password at once and secure this mailbox.\n"
    )
    return Mail(username, "Your password was reset", text)
