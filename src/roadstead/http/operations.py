"""THE table of operations: what the API can do, one row for each thing.

Routes, the OpenAPI description, the page at ``/docs/api`` and the permission tests are made from
it. To add an operation, write its row and its handler in the module of its noun. The order matters
only for reading: a fixed name in a path wins over a parameter wherever it stands.
"""

from roadstead.http import not_offered, server, server_status, web_pages
from roadstead.http.accounts import (
    access_tokens,
    account_data,
    agreements,
    audit,
    authorize,
    browser_session,
    clients,
    notices,
    oauth,
    passwords,
    second_factor,
    users,
)
from roadstead.http.devices import (
    claim_codes,
    device_calls,
    devices,
    diagnostics,
    ownership,
    provisioning,
    simulated_device,
    transfers,
)
from roadstead.http.events import (
    event_history,
    event_subscriptions,
    events,
    organization_events,
    product_events,
    shared_stream,
)
from roadstead.http.firmware import firmware, firmware_history, firmware_releases, flashing
from roadstead.http.health import alert_rules, alerts, fleet_metrics, health
from roadstead.http.integrations import deliveries, integrations
from roadstead.http.operation import Operation
from roadstead.http.people import customers, invitations, organizations, plans, roles, teams
from roadstead.http.products import device_imports, groups, moving, product_devices, products
from roadstead.http.rollouts import rollouts

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
    *product_devices.OPERATIONS,
    *device_imports.OPERATIONS,
    *groups.OPERATIONS,
    *organizations.OPERATIONS,
    *teams.OPERATIONS,
    *roles.OPERATIONS,
    *clients.OPERATIONS,
    *customers.OPERATIONS,
    *moving.OPERATIONS,
    *agreements.OPERATIONS,
    *plans.OPERATIONS,
    *audit.OPERATIONS,
    *invitations.OPERATIONS,
    *firmware.OPERATIONS,
    *firmware_releases.OPERATIONS,
    *firmware_history.OPERATIONS,
    *flashing.OPERATIONS,
    *devices.OPERATIONS,
    *claim_codes.OPERATIONS,
    *transfers.OPERATIONS,
    *ownership.OPERATIONS,
    *provisioning.OPERATIONS,
    *simulated_device.OPERATIONS,
    *device_calls.OPERATIONS,
    *diagnostics.OPERATIONS,
    *events.OPERATIONS,
    *integrations.OPERATIONS,
    *deliveries.OPERATIONS,
    *alert_rules.OPERATIONS,
    *alerts.OPERATIONS,
    *notices.OPERATIONS,
    *event_history.OPERATIONS,
    *event_subscriptions.OPERATIONS,
    *product_events.OPERATIONS,
    *organization_events.OPERATIONS,
    *shared_stream.OPERATIONS,
    *fleet_metrics.OPERATIONS,
    *health.OPERATIONS,
    *server.OPERATIONS,
    *server_status.OPERATIONS,
    *web_pages.OPERATIONS,
    *rollouts.OPERATIONS,
    *not_offered.OPERATIONS,
)
