import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, take } from "../../api/client";
import type { components } from "../../api/schema";

export type Device = components["schemas"]["DeviceAnswer"];

export const deviceKeys = {
  mine: ["devices", "mine"] as const,
  one: (id: string) => ["devices", "one", id] as const,
  vitals: (id: string) => ["devices", "vitals", id] as const,
};

/** The devices that the person has claimed. */
export function useMyDevices() {
  return useQuery({ queryKey: deviceKeys.mine, queryFn: () => take(api.GET("/v1/devices")), refetchInterval: 60_000 });
}

/** One device, by id or name. */
export function useDevice(id: string) {
  return useQuery({
    queryKey: deviceKeys.one(id),
    queryFn: () => take(api.GET("/v1/devices/{device}", { params: { path: { device: id } } })),
    refetchInterval: 30_000,
  });
}

/** What a person does with a device; what is shown of it is asked again afterwards. */
export function useDeviceAct(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (act: { method: "PUT" | "POST" | "DELETE"; path?: string; body?: unknown }) => {
      const init: RequestInit = { method: act.method };
      if (act.body !== undefined) {
        init.headers = { "content-type": "application/json" };
        init.body = JSON.stringify(act.body);
      }
      const answer = await ask(`/v1/devices/${encodeURIComponent(id)}${act.path ?? ""}`, init);
      return answer.status === 204 ? {} : ((await answer.json()) as Record<string, unknown>);
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["devices"] }),
  });
}

/** The value of a variable, asked from the device now. */
export async function readVariable(id: string, name: string): Promise<unknown> {
  const answer = await ask(`/v1/devices/${encodeURIComponent(id)}/${encodeURIComponent(name)}`);
  return ((await answer.json()) as { result: unknown }).result;
}

/** The return value of a function, called on the device now. */
export async function callFunction(id: string, name: string, argument: string): Promise<number> {
  const answer = await ask(`/v1/devices/${encodeURIComponent(id)}/${encodeURIComponent(name)}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ arg: argument }),
  });
  return ((await answer.json()) as { return_value: number }).return_value;
}
