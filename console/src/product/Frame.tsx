import type { ReactNode } from "react";
import { useParams } from "wouter";
import { Page, Tabs } from "../ui/Page";
import { Loaded } from "../ui/States";
import { type Product, useProduct } from "./queries";

/** The parts of a product, each a page; in the order in which a product grows. */
const PARTS: [string, string][] = [
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
  ["audit", "Audit"],
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
    <Loaded query={query}>
      {(product) => (
        <Page
          title={title ?? product.name}
          crumbs={crumbsOf(product)}
          actions={actions?.(product)}
        >
          <Tabs label={`Pages of ${product.name}`} tabs={PARTS.map(([part, label]) => ({ to: `/products/${ref}${part ? `/${part}` : ""}`, label }))} />
          {children(product)}
        </Page>
      )}
    </Loaded>
  );
}
