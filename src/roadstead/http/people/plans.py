"""The plans of this server and what each allows, to read.

Source: particle cloud notes §5.1.
"""

import msgspec

from roadstead.http.operation import Call, Operation
from roadstead.identity.permissions import Permission
from roadstead.organizations.terms import FEATURE_WORDS, PlanTerms, all_terms


class PlanFeature(msgspec.Struct):
    """A feature that plans have or have not, and its name for people."""

    feature: str
    title: str
    included: bool


class PlanDocument(msgspec.Struct):
    """A plan. A limit that is null does not exist."""

    name: str
    updates: str
    team_roles: list[str]
    devices_per_account: int | None
    devices_per_product: int | None
    devices_outside_products: int | None
    features: list[PlanFeature]


class PlansAnswer(msgspec.Struct):
    """All plans, from the smallest."""

    plans: list[PlanDocument]


async def list_plans(call: Call) -> PlansAnswer:
    """All plans."""
    return PlansAnswer([_document(name, terms) for name, terms in all_terms().items()])


def _document(name: str, terms: PlanTerms) -> PlanDocument:
    return PlanDocument(
        name=name,
        updates=terms.updates,
        team_roles=[role.value for role in terms.team_roles],
        devices_per_account=terms.devices_per_account,
        devices_per_product=terms.devices_per_product,
        devices_outside_products=terms.devices_outside_products,
        features=[PlanFeature(key, title, terms.has(key)) for key, title in FEATURE_WORDS.items()],
    )


OPERATIONS = (
    Operation(
        name="list_plans",
        method="GET",
        path="/v1/plans",
        tag="Plans",
        summary="List the plans and what each allows",
        handler=list_plans,
        permission=Permission.ACCOUNT_GET,
        answer=PlansAnswer,
    ),
)
