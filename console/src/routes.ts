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
  { path: "/products/:product/team", page: lazy(() => import("./features/team/ProductTeamPage")) },
  { path: "/organizations", page: lazy(() => import("./features/organizations/OrganizationsPage")) },
  { path: "/organizations/:org", page: lazy(() => import("./features/organizations/OrganizationPage")) },
  { path: "/organizations/:org/team", page: lazy(() => import("./features/team/OrganizationTeamPage")) },
  { path: "/organizations/:org/settings", page: lazy(() => import("./features/organizations/OrganizationSettingsPage")) },
  { path: "/invitations", page: lazy(() => import("./features/invitations/InvitationsPage")) },
  { path: "/events", page: lazy(() => import("./features/events/EventsPage")) },
  { path: "/account", page: lazy(() => import("./features/account/AccountPage")) },
];

/** Addresses that are shown to those who are not signed in. */
export const FRONT_ROUTES: Route[] = [
  { path: "/sign-in", page: lazy(() => import("./features/session/SignInPage")) },
  { path: "/sign-up", page: lazy(() => import("./features/session/SignUpPage")) },
  { path: "/reset", page: lazy(() => import("./features/session/ResetPage")) },
];
