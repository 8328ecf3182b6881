import type { ReactNode } from "react";
import { useParams } from "wouter";
import { type Permission, RightsWithin } from "../state/rights";
import { Page, Tabs } from "../ui/Page";
import { RoleMark } from "../ui/RoleMark";
import { Loaded } from "../ui/States";
import { type Organization, useOrganization } from "./queries";

const PARTS: [string, string, Permission?][] = [
  ["", "Products"],
  ["team", "Team"],
  ["integrations", "Integrations"],
  ["plan", "Plan", "service_agreements:list"],
  ["audit", "Audit", "audit:get"],
  ["settings", "Settings"],
];

interface Props {
  title?: string;
  actions?: (organization: Organization) => ReactNode;
  children: (organization: Organization) => ReactNode;
}

/** A page of one organization. */
export function OrganizationFrame({ title, actions, children }: Props) {
  const { org: ref = "" } = useParams<{ org: string }>();
  const query = useOrganization(ref);
  return (
    <Loaded query={query} title={title ?? "Organization"}>
      {({ organization, permissions }) => (
        <RightsWithin permissions={permissions}><Page
          title={title ?? organization.name}
          crumbs={title ? [{ to: "/organizations", label: "Organizations" }, { to: `/organizations/${organization.slug}`, label: organization.name }] : [{ to: "/organizations", label: "Organizations" }]}
          beside={<RoleMark />}
          actions={actions?.(organization)}
        >
          <Tabs label={`Pages of ${organization.name}`} tabs={PARTS.filter(([, , needs]) => needs === undefined || permissions.includes(needs)).map(([part, label]) => ({ to: `/organizations/${ref}${part ? `/${part}` : ""}`, label }))} />
          {children(organization)}
        </Page></RightsWithin>
      )}
    </Loaded>
  );
}
