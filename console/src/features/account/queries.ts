import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, take } from "../../api/client";
import { sessionKey } from "../../state/session";

export const accountKeys = { signIns: ["account", "sign-ins"] as const, transfers: ["account", "transfers"] as const };

/** Where the person is signed in. */
export function useSignIns() {
  return useQuery({ queryKey: accountKeys.signIns, queryFn: () => take(api.GET("/v1/user/tokens")) });
}

/** Requests for devices of the person, and by the person for others'. */
export function useTransfers() {
  return useQuery({ queryKey: accountKeys.transfers, queryFn: () => take(api.GET("/v1/transfer_requests")) });
}

/** Sends a change of the account; what is shown of it is asked again afterwards. */
export function useAccountAct() {
  const queries = useQueryClient();
  return async (method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<unknown> => {
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.headers = { "content-type": "application/json" };
      init.body = JSON.stringify(body);
    }
    const answer = await ask(path, init);
    void queries.invalidateQueries({ queryKey: ["account"] });
    void queries.invalidateQueries({ queryKey: sessionKey });
    return answer.status === 204 ? {} : await answer.json();
  };
}
