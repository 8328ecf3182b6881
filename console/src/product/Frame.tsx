import type { ReactNode } from "react";
import { useParams } from "wouter";
import { type Permission, RightsWithin } from "../state/rights";
import { Page, Tabs } from "../ui/Page";
import { RoleMark } from "../ui/RoleMark";
import { Loaded } from "../ui/States";
import { type Product, useProduct } from "./queries";

/** The parts of a product, each a page, and the right without which it shows nothing; in the order in which a product grows. */
const PARTS: [string, string, Permission?][] = [
  ["", "Overview"],
  ["devices", "Devices"],
  ["groups", "Groups"],
  ["firmware", "Firmware"],
  ["rollouts", "Rollouts"],
  ["health", "Health"],
  ["alerts", "Alerts"],
  ["events", "Events"],
  ["integrations", "Integrations"],
  ["team", "Team"],
  ["customers", "Customers"],
  ["audit", "Audit", "audit:get"],
  ["settings", "Settings"],
];

interface Props {
  /** Title of the page within the product; none for the overview. */
  title?: string;
  /** The page of the product that this one lies under, where it is not its own. */
  crumb?: { part: string; label: string };
  actions?: (product: Product) => ReactNode;
  children: (product: Product) => ReactNode;
}

/** A page of one product: its name, the ways to its other pages, and the content. */
export function ProductFrame({ title, crumb, actions, children }: Props) {
  const { product: ref = "" } = useParams<{ product: string }>();
  const query = useProduct(ref);
  const crumbsOf = (product: Product) => [
    { to: "/products", label: "Products" },
    ...(title ? [{ to: `/products/${product.slug}`, label: product.name }] : []),
    ...(crumb ? [{ to: `/products/${product.slug}/${crumb.part}`, label: crumb.label }] : []),
  ];
  return (
    <Loaded query={query} title={title ?? "Product"}>
      {({ product, permissions }) => (
        <RightsWithin permissions={permissions}>
          <Page
            title={title ?? product.name}
            crumbs={crumbsOf(product)}
            beside={<RoleMark />}
            actions={actions?.(product)}
          >
            <Tabs label={`Pages of ${product.name}`} tabs={PARTS.filter(([, , needs]) => needs === undefined || permissions.includes(needs)).map(([part, label]) => ({ to: `/products/${ref}${part ? `/${part}` : ""}`, label }))} />
            {children(product)}
          </Page>
        </RightsWithin>
      )}
    </Loaded>
  );
}
