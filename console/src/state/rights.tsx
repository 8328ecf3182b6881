import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useMemo } from "react";
import { api, take } from "../api/client";
import type { components } from "../api/schema";

export type Permission = components["schemas"]["Permission"];

/** What the person may do with the product or organization around; null for what is their own. */
const Rights = createContext<ReadonlySet<Permission> | null>(null);

/** Tells everything within what the person may do there, in the server's own words. */
export function RightsWithin({ permissions, children }: { permissions: readonly Permission[]; children: ReactNode }) {
  const rights = useMemo(() => new Set(permissions), [permissions]);
  return <Rights value={rights}>{children}</Rights>;
}

/** The one place that knows whether something would be refused.
 *
 * @returns a function that gives null for what may be done, else why not and who may.
 */
export function useRefusal(): (needs: Permission | undefined) => string | null {
  const rights = useContext(Rights);
  const roles = useRoles(rights !== null && !rights.has("products:remove") && !rights.has("organization:remove"));
  return (needs) => {
    if (needs === undefined || rights === null || rights.has(needs)) return null;
    const least = roles.find((one) => one.permissions.includes(needs));
    return least ? `Your role does not allow this. It needs the role ${least.name}.` : "Your role does not allow this.";
  };
}

/** The name of the person's role here, as far as their rights are those of a role. */
export function useRoleName(): string | null {
  const rights = useContext(Rights);
  const roles = useRoles(rights !== null);
  if (rights === null) return null;
  return roles.findLast((one) => one.permissions.every((permission) => rights.has(permission)))?.name ?? null;
}

function useRoles(wanted: boolean) {
  const query = useQuery({
    queryKey: ["roles"],
    queryFn: async () => (await take(api.GET("/v1/roles"))).roles,
    enabled: wanted,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return query.data ?? [];
}
