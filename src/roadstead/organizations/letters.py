"""What the server writes to people about teams. Pure."""

from urllib.parse import urlencode

from roadstead.organizations.model import Invitation
from roadstead.outbound.mail import Mail

INVITATION_PAGE = "/invitation"
"""Path of the page on which an invitation is answered."""


def invitation_letter(
    invitation: Invitation, inviter: str, origin: str, token: str, *, known: bool
) -> Mail:
    """Asks somebody onto a team; ``known``: they have an account already."""
    link = f"{origin}{INVITATION_PAGE}?{urlencode({'token': token})}"
    how = (
        "Accept or decline within two weeks on this page"
        if known
        else "You have no account here yet. Choose a password, and so join, within two weeks on "
        "this page"
    )
    text = (
        f"{inviter} invites you to the team of {invitation.team_name}, "
        f"with the role {invitation.role.value}.\n\n"
        f"{how}:\n\n  {link}\n\n"
        "If you do nothing, nothing happens.\n"
    )
    return Mail(invitation.email, f"Invitation to the team of {invitation.team_name}", text)


def account_letter(email: str, origin: str, token: str) -> Mail:
    """Invites somebody to open an account."""
    link = f"{origin}{INVITATION_PAGE}?{urlencode({'token': token})}"
    text = (
        f"You may open an account on {origin}.\n\n"
        f"Choose a password within two weeks on this page:\n\n  {link}\n\n"
        "If you do nothing, nothing happens.\n"
    )
    return Mail(email, "Your account", text)
