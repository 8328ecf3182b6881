"""Who is told by a rule: those whom the product's preferences name, or the rule's own."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from roadstead.health.alerting.model import AlertRule, RuleDraft
from roadstead.kit.errors import Invalid
from roadstead.notifications.model import Recipients

PeopleOf = Callable[[Connection, int], Sequence[str]]
"""E-mail addresses of everybody who may see a product; filled by whoever knows teams."""


def check_people(conn: Connection, people_of: PeopleOf, product_id: int, draft: RuleDraft) -> None:
    """Refuses addresses of people who may not see the product: nobody else gets its letters.

    Raises:
        Invalid: ``bad_rule``.
    """
    if draft.recipients is None or not draft.recipients.mail:
        return
    known = set(people_of(conn, product_id))
    strangers = [one for one in draft.recipients.mail if one not in known]
    if strangers:
        raise Invalid(
            "bad_rule",
            f"recipients.mail: {', '.join(strangers)} may not see this product. Invite them to "
            "its team first.",
        )


def recipients_of(conn: Connection, people_of: PeopleOf, rule: AlertRule) -> Recipients | None:
    """Who is told now; None for those of the product's preferences.

    Somebody who left the team meanwhile is not told any more.
    """
    own = rule.draft.recipients
    if own is None:
        return None
    known = set(people_of(conn, rule.product_id)) if own.mail else set()
    mail = tuple(one for one in own.mail if one in known)
    return Recipients(mail=mail, webhook_url=own.webhook_url, quiet=own.quiet)
