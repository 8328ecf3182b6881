import { useQuery } from "@tanstack/react-query";
import { api, take } from "../api/client";
import type { components } from "../api/schema";

export type Organization = components["schemas"]["OrganizationDocument"];

/** The organizations on whose team the person is. */
export function useOrganizations() {
  return useQuery({ queryKey: ["organizations"], queryFn: async () => (await take(api.GET("/v1/orgs"))).organizations });
}

/** One organization, by slug, and what the person may do with it. */
export function useOrganization(ref: string) {
  return useQuery({
    queryKey: ["organizations", ref],
    queryFn: () => take(api.GET("/v1/orgs/{org}", { params: { path: { org: ref } } })),
  });
}
