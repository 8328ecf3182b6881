import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useDeferredValue, useId, useState } from "react";
import { useLocation } from "wouter";
import { api, ask, take } from "../api/client";
import type { components } from "../api/schema";
import { useOrganizations } from "../organization/queries";
import { useProducts } from "../product/queries";
import { Dialog } from "../ui/Dialog";
import { matching, type Target } from "./rules";

const PARTS = ["Devices", "Groups", "Firmware", "Rollouts", "Events", "Integrations", "Team", "Customers", "Settings"];

interface Props {
  /** The pages that do not belong to a product. */
  places: { to: string; label: string }[];
  onClose: () => void;
}

/** Goes to any page, product, organization or device by its name; the devices of other products than the one at hand are not searched. */
export default function Palette({ places, onClose }: Props) {
  const [path, navigate] = useLocation();
  const [search, setSearch] = useState("");
  const [active, setActive] = useState(0);
  const id = useId();
  const here = /^\/products\/([^/]+)/.exec(path)?.[1] ?? null;
  const products = useProducts().data ?? [];
  const organizations = useOrganizations().data ?? [];
  const product = products.find((one) => one.slug === here || String(one.id) === here);
  const targets: Target[] = [
    ...places.map((one) => ({ ...one, kind: "page" })),
    ...products.map((one) => ({ to: `/products/${one.slug}`, label: one.name, kind: "product", also: String(one.id) })),
    ...organizations.map((one) => ({ to: `/organizations/${one.slug}`, label: one.name, kind: "organization" })),
    ...(product ? PARTS.map((part) => ({ to: `/products/${product.slug}/${part.toLowerCase()}`, label: part, kind: `page of ${product.name}` })) : []),
    ...useDeviceTargets(useDeferredValue(search.trim()), product?.slug ?? null),
  ];
  const found = matching(targets, search);
  const chosen = Math.min(active, Math.max(0, found.length - 1));
  const go = (target: Target | undefined) => {
    if (!target) return;
    onClose();
    navigate(target.to);
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setActive((chosen + step + found.length) % Math.max(1, found.length));
    } else if (event.key === "Enter") go(found[chosen]);
  };
  return (
    <Dialog open onClose={onClose} title="Go to">
      <input
        className="input" type="text" role="combobox" aria-label="Page, product or device" aria-expanded="true" aria-controls={`${id}-list`} aria-activedescendant={found.length > 0 ? `${id}-${chosen}` : undefined} aria-autocomplete="list"
        placeholder="Name or ID" autoComplete="off" value={search} onKeyDown={press}
        onChange={(event) => {
          setSearch(event.target.value);
          setActive(0);
        }}
      />
      <div className="options" role="listbox" tabIndex={-1} id={`${id}-list`} aria-label="What was found">
        {found.map((one, place) => (
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the field above has the keys, as a combobox does
          <div key={one.to + one.kind} id={`${id}-${place}`} role="option" tabIndex={-1} aria-selected={place === chosen} onClick={() => go(one)}>
            <span className="grow wrap-any">{one.label}</span><span className="quiet">{one.kind}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="quiet" role="status">Nothing has this name{product ? ` here or in ${product.name}` : ". Open a product to search its devices"}.</p>}
    </Dialog>
  );
}

type Devices = components["schemas"]["ProductDevicesAnswer"];

function useDeviceTargets(search: string, product: string | null): Target[] {
  const mine = useQuery({ queryKey: ["devices", "mine"], queryFn: () => take(api.GET("/v1/devices")), staleTime: 30_000 });
  const parameter = /^[0-9a-f]{6,24}$/i.test(search) ? "deviceId" : "deviceName";
  const members = useQuery({
    queryKey: ["palette", product, search],
    queryFn: async ({ signal }) => (await (await ask(`/v1/products/${product}/devices?per_page=10&${parameter}=${encodeURIComponent(search)}`, { signal })).json()) as Devices,
    enabled: product !== null && search.length > 1,
    placeholderData: keepPreviousData,
  });
  return [
    ...(members.data?.devices ?? []).map((one) => ({ to: `/products/${product}/devices/${one.id}`, label: one.name ?? one.id, kind: "device", also: one.id })),
    ...(mine.data ?? []).map((one) => ({ to: `/devices/${one.id}`, label: one.name ?? one.id, kind: "my device", also: one.id })),
  ];
}
