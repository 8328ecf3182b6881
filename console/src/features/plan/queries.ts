import { useQuery } from "@tanstack/react-query";
import { api, ask, take } from "../../api/client";
import type { components } from "../../api/schema";

export type Plan = components["schemas"]["PlanDocument"];

/** What the server says of an agreement, as far as this page shows it. */
export interface Agreement {
  id: string;
  attributes: {
    name: string;
    agreement_type: string;
    starts_on: string | null;
    /** What is counted: `devices`, and where it is offered `messages` and `data`. */
    metered: string[];
    current_billing_period_start: string;
    current_billing_period_end: string;
    current_usage_summary: { device_limit_reached: boolean; connectivity: { all: { owned_devices: number } } };
  };
}

/** All plans of the server. */
export function usePlans() {
  return useQuery({ queryKey: ["plans"], queryFn: async () => (await take(api.GET("/v1/plans"))).plans, staleTime: Number.POSITIVE_INFINITY });
}

/** The plan of an owner and its use.
 *
 * @param base `/v1/user`, or an organization's path.
 */
export function useAgreement(base: string) {
  return useQuery({
    queryKey: ["agreement", base],
    queryFn: async () => ((await (await ask(`${base}/service_agreements`)).json()) as { data: Agreement[] }).data[0],
    refetchInterval: 60_000,
  });
}
