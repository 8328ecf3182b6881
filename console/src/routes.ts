import { type ComponentType, type LazyExoticComponent, lazy } from "react";

interface Route {
  path: string;
  page: LazyExoticComponent<ComponentType>;
}

/** The one table of addresses. Their first segments are also in the server's `web_pages.SECTIONS`. */
export const ROUTES: Route[] = [
  { path: "/", page: lazy(() => import("./features/home/HomePage")) },
  { path: "/home", page: lazy(() => import("./features/home/HomePage")) },
  { path: "/devices", page: lazy(() => import("./features/devices/DevicesPage")) },
  { path: "/devices/:device", page: lazy(() => import("./features/devices/DevicePage")) },
  { path: "/products", page: lazy(() => import("./features/products/ProductsPage")) },
  { path: "/products/:product", page: lazy(() => import("./features/products/OverviewPage")) },
  { path: "/products/:product/events", page: lazy(() => import("./features/events/ProductEventsPage")) },
  { path: "/products/:product/devices", page: lazy(() => import("./features/product-devices/ProductDevicesPage")) },
  { path: "/products/:product/devices/:device", page: lazy(() => import("./features/product-devices/ProductDevicePage")) },
  { path: "/products/:product/groups", page: lazy(() => import("./features/groups/GroupsPage")) },
  { path: "/products/:product/firmware", page: lazy(() => import("./features/firmware/FirmwarePage")) },
  { path: "/products/:product/rollouts", page: lazy(() => import("./features/rollouts/RolloutsPage")) },
  { path: "/products/:product/rollouts/new", page: lazy(() => import("./features/rollouts/NewRolloutPage")) },
  { path: "/products/:product/rollouts/:rollout", page: lazy(() => import("./features/rollouts/RolloutPage")) },
  { path: "/products/:product/health", page: lazy(() => import("./features/health/HealthPage")) },
  { path: "/products/:product/alerts", page: lazy(() => import("./features/alerts/AlertsPage")) },
  { path: "/products/:product/team", page: lazy(() => import("./features/team/ProductTeamPage")) },
  { path: "/organizations", page: lazy(() => import("./features/organizations/OrganizationsPage")) },
  { path: "/organizations/:org", page: lazy(() => import("./features/organizations/OrganizationPage")) },
  { path: "/organizations/:org/team", page: lazy(() => import("./features/team/OrganizationTeamPage")) },
  { path: "/organizations/:org/settings", page: lazy(() => import("./features/organizations/OrganizationSettingsPage")) },
  { path: "/products/:product/customers", page: lazy(() => import("./features/customers/CustomersPage")) },
  { path: "/products/:product/integrations", page: lazy(() => import("./features/integrations/ProductIntegrationsPage")) },
  { path: "/products/:product/integrations/new", page: lazy(() => import("./features/integrations/ProductGalleryPage")) },
  { path: "/organizations/:org/integrations/new", page: lazy(() => import("./features/integrations/OrganizationGalleryPage")) },
  { path: "/integrations/new", page: lazy(() => import("./features/integrations/GalleryPage")) },
  { path: "/products/:product/integrations/:integration", page: lazy(() => import("./features/integrations/ProductIntegrationPage")) },
  { path: "/organizations/:org/integrations", page: lazy(() => import("./features/integrations/OrganizationIntegrationsPage")) },
  { path: "/organizations/:org/integrations/:integration", page: lazy(() => import("./features/integrations/OrganizationIntegrationPage")) },
  { path: "/integrations", page: lazy(() => import("./features/integrations/IntegrationsPage")) },
  { path: "/integrations/:integration", page: lazy(() => import("./features/integrations/IntegrationPage")) },
  { path: "/products/:product/audit", page: lazy(() => import("./features/audit/ProductAuditPage")) },
  { path: "/products/:product/settings", page: lazy(() => import("./features/settings/ProductSettingsPage")) },
  { path: "/organizations/:org/audit", page: lazy(() => import("./features/audit/OrganizationAuditPage")) },
  { path: "/invitations", page: lazy(() => import("./features/invitations/InvitationsPage")) },
  { path: "/events", page: lazy(() => import("./features/events/EventsPage")) },
  { path: "/plan", page: lazy(() => import("./features/plan/PlanPage")) },
  { path: "/organizations/:org/plan", page: lazy(() => import("./features/plan/OrganizationPlanPage")) },
  { path: "/server", page: lazy(() => import("./features/server/ServerPage")) },
  { path: "/account", page: lazy(() => import("./features/account/AccountPage")) },
];

/** Addresses that are shown to those who are not signed in. */
export const FRONT_ROUTES: Route[] = [
  { path: "/sign-in", page: lazy(() => import("./features/session/SignInPage")) },
  { path: "/sign-up", page: lazy(() => import("./features/session/SignUpPage")) },
  { path: "/reset", page: lazy(() => import("./features/session/ResetPage")) },
];
