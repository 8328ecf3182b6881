"""Who asked for a job, as it is stored: with all that limits them, so that it does no more."""

from typing import Any

from roadstead.identity.model import AccountKind, Actor


def actor_document(actor: Actor) -> dict[str, Any]:
    """What is stored."""
    return {
        "user_id": actor.user_id,
        "username": actor.username,
        "is_admin": actor.is_admin,
        "client_id": actor.client_id,
        "address": actor.address,
        "kind": actor.kind.value,
        "scopes": None if actor.scopes is None else sorted(actor.scopes),
        "product_id": actor.product_id,
        "organization_id": actor.organization_id,
    }


def to_actor(document: dict[str, Any]) -> Actor:
    """The person again."""
    scopes = document["scopes"]
    return Actor(
        **document
        | {
            "kind": AccountKind(document["kind"]),
            "scopes": None if scopes is None else frozenset(scopes),
        }
    )
