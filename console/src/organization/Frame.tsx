import type { ReactNode } from "react";
import { useParams } from "wouter";
import { Page, Tabs } from "../ui/Page";
import { Loaded } from "../ui/States";
import { type Organization, useOrganization } from "./queries";

const PARTS: [string, string][] = [
  ["", "Products"],
  ["team", "Team"],
  ["integrations", "Integrations"],
  ["audit", "Audit"],
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
    <Loaded query={query}>
      {(organization) => (
        <Page
          title={title ?? organization.name}
          crumbs={title ? [{ to: "/organizations", label: "Organizations" }, { to: `/organizations/${organization.slug}`, label: organization.name }] : [{ to: "/organizations", label: "Organizations" }]}
          actions={actions?.(organization)}
        >
          <Tabs label={`Pages of ${organization.name}`} tabs={PARTS.map(([part, label]) => ({ to: `/organizations/${ref}${part ? `/${part}` : ""}`, label }))} />
          {children(organization)}
        </Page>
      )}
    </Loaded>
  );
}
