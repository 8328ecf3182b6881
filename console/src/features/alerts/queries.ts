import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, take } from "../../api/client";
import type { components } from "../../api/schema";

export type Alert = components["schemas"]["AlertDocument"];
export type Rule = components["schemas"]["AlertRuleDocument"];
export type Rules = components["schemas"]["AlertRulesAnswer"];
export type Preview = components["schemas"]["AlertPreviewAnswer"];
export type Draft = components["schemas"]["RuleDraft"];

type Page = components["schemas"]["AlertsAnswer"];

const JSON_TYPE = { "content-type": "application/json" };

/** Alerts of a product, the newest first, by pages; asked again often. */
export function useAlerts(product: string, state: string, rule: string, device: string) {
  return useInfiniteQuery({
    queryKey: ["alerts", product, "list", state, rule, device],
    initialPageParam: "",
    queryFn: async ({ pageParam }) => {
      const query = new URLSearchParams({ state, rule, device, cursor: pageParam, limit: "50" });
      return (await (await ask(`/v1/products/${product}/alerts?${query.toString()}`)).json()) as Page;
    },
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: 10_000,
  });
}

/** The rules of a product, and the numbers that they can watch. */
export function useRules(product: string) {
  return useQuery({
    queryKey: ["alerts", product, "rules"],
    queryFn: () => take(api.GET("/v1/products/{product}/alert_rules", { params: { path: { product } } })),
    refetchInterval: 10_000,
  });
}

/** How many devices would match a rule now; nothing is kept.
 *
 * @throws ApiError with what is wrong with the rule.
 */
export async function previewRule(product: string, draft: Draft): Promise<Preview> {
  const answer = await ask(`/v1/products/${product}/alert_rules/preview`, { method: "POST", headers: JSON_TYPE, body: JSON.stringify(draft) });
  return (await answer.json()) as Preview;
}

/** Changes of rules and alerts; what is shown of them is asked again afterwards. */
export function useAlertActs(product: string) {
  const queries = useQueryClient();
  const send = async (method: string, path: string, body?: unknown): Promise<void> => {
    await ask(`/v1/products/${product}/${path}`, { method, headers: JSON_TYPE, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    void queries.invalidateQueries({ queryKey: ["alerts"] });
  };
  return {
    save: (id: string | null, draft: Draft) => (id ? send("PUT", `alert_rules/${id}`, draft) : send("POST", "alert_rules", draft)),
    remove: (id: string) => send("DELETE", `alert_rules/${id}`),
    test: (id: string) => send("POST", `alert_rules/${id}/test`),
    act: (id: string, action: "acknowledge" | "resolve", note: string) => send("PUT", `alerts/${id}`, { action, note }),
    actOnAll: (rule: string, action: "acknowledge" | "resolve", note: string) => send("PUT", "alerts", { rule_id: rule, action, note }),
  };
}
