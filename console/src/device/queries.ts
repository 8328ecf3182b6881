import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ask } from "../api/client";
import type { components } from "../api/schema";

export type Device = components["schemas"]["DeviceAnswer"];

/** Where a device is reached: `/v1/devices/ID`, or within its product `/v1/products/SLUG/devices/ID`. */
export type DevicePath = string;

/** What a person does with a device; what is shown of it is asked again afterwards. */
export function useDeviceAct(at: DevicePath) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (act: { method: "PUT" | "POST" | "DELETE"; path?: string; body?: unknown }) => {
      const init: RequestInit = { method: act.method };
      if (act.body !== undefined) {
        init.headers = { "content-type": "application/json" };
        init.body = JSON.stringify(act.body);
      }
      const answer = await ask(`${at}${act.path ?? ""}`, init);
      return answer.status === 204 ? {} : ((await answer.json()) as Record<string, unknown>);
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["devices"] }),
  });
}

/** The value of a variable, asked from the device now. */
export async function readVariable(at: DevicePath, name: string): Promise<unknown> {
  const answer = await ask(`${at}/${encodeURIComponent(name)}`);
  return ((await answer.json()) as { result: unknown }).result;
}

/** The return value of a function, called on the device now. */
export async function callFunction(at: DevicePath, name: string, argument: string): Promise<number> {
  const answer = await ask(`${at}/${encodeURIComponent(name)}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ arg: argument }),
  });
  return ((await answer.json()) as { return_value: number }).return_value;
}
