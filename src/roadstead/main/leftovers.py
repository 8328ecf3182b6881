"""What rooms beside products keep of a product, to be deleted with it.

Each gives the number of rows that it deleted in the transaction at hand, 0 when none is left.
Events, vitals and counts of the fleet go by their own retention; the audit trail stays.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from roadstead.devices.leaving import release_of_customer
from roadstead.firmware.delivery import push_store
from roadstead.firmware.delivery import store as delivery_store
from roadstead.identity import client_store, customer_store, safety_store
from roadstead.identity import store as user_store
from roadstead.identity.customer_store import CustomerKind
from roadstead.identity.model import Actor
from roadstead.integrations import service as integrations
from roadstead.integrations.model import Owner
from roadstead.notifications import store as notice_store
from roadstead.notifications.model import NoticeOwner
from roadstead.organizations import api_users, team_store
from roadstead.organizations.teams import team_for_product
from roadstead.products.ending import Leftovers
from roadstead.products.model import Product
from roadstead.storage import outbox
from roadstead.storage.secret_box import SecretBox

CUSTOMERS_AT_ONCE = 50


def product_leftovers(box: SecretBox) -> list[Leftovers]:
    """All of them.

    Args:
        box: opens the settings of integrations.
    """

    def integrations_of(conn: Connection, product: Product, actor: Actor, at: datetime) -> int:
        told = integrations.remove_all_of(conn, box, Owner("product", str(product.id)))
        _tell(conn, told)
        return len(told)

    return [
        _customers,
        _programs,
        integrations_of,
        lambda conn, product, actor, at: delivery_store.delete_some_of(conn, product.id),
        lambda conn, product, actor, at: push_store.delete_of_product(conn, product.id),
        lambda conn, product, actor, at: notice_store.delete_owner(
            conn, NoticeOwner("product", str(product.id))
        ),
    ]


def _customers(conn: Connection, product: Product, actor: Actor, at: datetime) -> int:
    """Customers, and the accounts of those that exist in this product only."""
    some, _ = customer_store.list_customers(conn, product.id, offset=0, limit=CUSTOMERS_AT_ONCE)
    for customer in some:
        user = user_store.find_user(conn, customer.id)
        customer_store.delete_customer(conn, product.id, customer.id)
        if user is None:
            continue
        told = list(release_of_customer(conn, user, actor, at, product_id=product.id))
        gone = safety_store.delete_tokens_in_product(conn, user, product.id)
        if customer.kind is not CustomerKind.LOGIN:
            user_store.delete_user(conn, user.id)
        _tell(conn, [*told, *_ended(user.id, gone)])
    return len(some)


def _programs(conn: Connection, product: Product, actor: Actor, at: datetime) -> int:
    """The team with its invitations, API users, and OAuth clients with their accounts."""
    team = team_for_product(product.id, product.name, product.owner)
    programs = api_users.remove_all(conn, team)
    members = team_store.delete_team(conn, team.key)
    told = [message for user_id, gone in programs for message in _ended(user_id, gone)]
    clients = client_store.list_clients_of_product(conn, product.id)
    for client in clients:
        gone = safety_store.delete_tokens_of_client(conn, client.id)
        client_store.delete_client(conn, client.id)
        user_store.delete_user(conn, client.account_id)
        told += _ended(client.account_id, gone)
    told += [("user.changed", user_id) for user_id in members]
    _tell(conn, told)
    return len(programs) + len(members) + len(clients)


def _ended(user_id: str, digests: Iterable[bytes]) -> list[tuple[str, str]]:
    revoked = [("token.revoked", digest.hex()) for digest in digests]
    return [*revoked, ("user.changed", user_id)]


def _tell(conn: Connection, messages: Iterable[tuple[str, str]]) -> None:
    for topic, key in messages:
        outbox.append(conn, topic, key)
