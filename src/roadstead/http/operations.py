"""THE table of operations: what the API can do, one row for each thing.

Routes, the OpenAPI description, the page at ``/docs/api`` and the permission tests are made from
it. To add an operation, write its row and its handler in the module of its noun. The order matters
only for reading: a fixed name in a path wins over a parameter wherever it stands.
"""

from roadstead.http import (
    access_tokens,
    account_data,
    authorize,
    browser_session,
    claim_codes,
    clients,
    customers,
    deliveries,
    device_calls,
    devices,
    diagnostics,
    events,
    firmware,
    firmware_releases,
    integrations,
    invitations,
    not_offered,
    oauth,
    organizations,
    passwords,
    products,
    provisioning,
    second_factor,
    server,
    teams,
    transfers,
    users,
    web_pages,
)
from roadstead.http.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *oauth.OPERATIONS,
    *browser_session.OPERATIONS,
    *authorize.OPERATIONS,
    *access_tokens.OPERATIONS,
    *users.OPERATIONS,
    *account_data.OPERATIONS,
    *passwords.OPERATIONS,
    *second_factor.OPERATIONS,
    *products.OPERATIONS,
    *organizations.OPERATIONS,
    *teams.OPERATIONS,
    *clients.OPERATIONS,
    *customers.OPERATIONS,
    *invitations.OPERATIONS,
    *firmware.OPERATIONS,
    *firmware_releases.OPERATIONS,
    *devices.OPERATIONS,
    *claim_codes.OPERATIONS,
    *transfers.OPERATIONS,
    *provisioning.OPERATIONS,
    *device_calls.OPERATIONS,
    *diagnostics.OPERATIONS,
    *events.OPERATIONS,
    *integrations.OPERATIONS,
    *deliveries.OPERATIONS,
    *server.OPERATIONS,
    *web_pages.OPERATIONS,
    *not_offered.OPERATIONS,
)
