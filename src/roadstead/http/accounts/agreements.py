"""Plans as the field's service agreements: of a person and of an organization; to read.

Source: particle cloud notes §1.19, §2.18.
"""

from typing import Any

import msgspec

from roadstead.http.operation import Call, Handler, Operation
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import NotFound
from roadstead.organizations.agreements import Agreement
from roadstead.organizations.model import Owner

_TAG = "Plans"


class AgreementDocument(msgspec.Struct):
    """A plan with its use (JSON:API). A limit that is null does not exist."""

    id: str
    attributes: dict[str, Any]
    type: str = "service_agreement"


class AgreementsAnswer(msgspec.Struct):
    """The one agreement of an owner."""

    data: list[AgreementDocument]


class AgreementAnswer(msgspec.Struct):
    """One agreement."""

    data: AgreementDocument


class NotificationsAnswer(msgspec.Struct):
    """Notifications about usage; none are made here."""

    data: list[dict[str, Any]]


async def list_agreements(call: Call) -> AgreementsAnswer:
    """The owner's agreement."""
    return AgreementsAnswer([await _document(call)])


async def get_agreement(call: Call) -> AgreementAnswer:
    """The owner's agreement, by its id."""
    await _check(call)
    return AgreementAnswer(await _document(call))


async def list_notifications(call: Call) -> NotificationsAnswer:
    """Nothing: usage is not metered, so nothing is announced."""
    await _check(call)
    return NotificationsAnswer([])


def _owner(call: Call) -> Owner:
    if call.reached_organization is not None:
        return call.organization.owner
    return Owner(user_id=call.actor.user_id)


async def _check(call: Call) -> None:
    if call.path["agreement"] != _owner(call).id:
        raise NotFound("agreement_not_found", "There is no such service agreement.")


async def _document(call: Call) -> AgreementDocument:
    owner, now = _owner(call), call.parts.clock.now()
    agreement = await call.parts.people.agreements.of(owner, now)
    name = call.organization.name if call.reached_organization is not None else call.actor.username
    return AgreementDocument(owner.id, _attributes(agreement, name))


def _attributes(agreement: Agreement, name: str) -> dict[str, Any]:
    terms = agreement.terms
    limits = (terms.devices_per_account, terms.devices_per_product, terms.devices_outside_products)
    return {
        "owner_id": agreement.owner.id,
        "owner_type": "User" if agreement.owner.user_id else "Org",
        "name": name,
        "agreement_type": agreement.plan,
        "duration": 1,
        "state": "active",
        "starts_on": iso_ms(agreement.since) if agreement.since else None,
        "ends_on": None,
        "current_billing_period_start": iso_ms(agreement.period_start),
        "current_billing_period_end": iso_ms(agreement.period_end),
        "next_billing_period_start": iso_ms(agreement.period_end),
        "current_usage_summary": {
            "device_limit_reached": agreement.limit_reached,
            "connectivity": {"all": {"owned_devices": agreement.owned_devices}},
        },
        "metered": ["devices"],
        "pricing_terms": {
            "device": {
                "max_devices": next((limit for limit in limits[:2] if limit is not None), None),
                "max_devices_outside_products": limits[2],
            },
            "updates": terms.updates,
            "team_roles": [role.value for role in terms.team_roles],
            "features": {
                field: value
                for field, value in msgspec.structs.asdict(terms).items()
                if isinstance(value, bool)
            },
        },
    }


def _operations(kind: str, path: str) -> tuple[Operation, ...]:
    of = "your account" if kind == "own" else "an organization"

    def row(
        name: str, below: str, summary: str, handler: Handler, answer: Any, permission: Permission
    ) -> Operation:
        return Operation(
            name=f"{name}_{kind}",
            method="GET",
            path=f"{path}/service_agreements{below}",
            tag=_TAG,
            summary=f"{summary} of {of}",
            handler=handler,
            permission=permission,
            answer=answer,
            errors=(404,) if below else (),
        )

    p, one = Permission, "/{agreement}"
    return (
        row(
            *("list_agreements", "", "Get the plan and its use", list_agreements),
            *(AgreementsAnswer, p.AGREEMENTS_LIST),
        ),
        row(
            *("get_agreement", one, "Get the plan and its use", get_agreement),
            *(AgreementAnswer, p.AGREEMENTS_LIST),
        ),
        row(
            *("list_usage_notifications", f"{one}/notifications"),
            *("List notifications about usage", list_notifications),
            *(NotificationsAnswer, p.AGREEMENTS_NOTIFICATIONS_LIST),
        ),
    )


OPERATIONS = (
    *_operations("own", "/v1/user"),
    *_operations("organization", "/v1/orgs/{org}"),
)
