import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, take } from "../../api/client";
import { errorOf, unreachable } from "../../api/errors";
import type { components } from "../../api/schema";

export type Version = components["schemas"]["VersionDocument"];

export const firmwareKeys = {
  all: (product: string) => ["firmware", product] as const,
  releases: (product: string) => ["firmware", product, "releases"] as const,
};

/** All versions of a product's firmware, the highest number first. */
export function useVersions(product: string) {
  return useQuery({ queryKey: firmwareKeys.all(product), queryFn: () => take(api.GET("/v1/products/{product}/firmware", { params: { path: { product } } })), refetchInterval: 30_000 });
}

/** What was released to whom, newest first. */
export function useReleases(product: string) {
  return useQuery({ queryKey: firmwareKeys.releases(product), queryFn: async () => (await take(api.GET("/v1/products/{product}/firmware_releases", { params: { path: { product } } }))).releases });
}

interface Wanted {
  version: number;
  groups: string[];
  product_default: boolean;
}

/** Exactly which devices a release would update, by what they run now. */
export function useImpact(product: string, wanted: Wanted | null) {
  return useQuery({
    queryKey: ["firmware", product, "impact", wanted],
    enabled: wanted !== null,
    queryFn: async () => {
      const asked = new URLSearchParams({ action: "edit_groups_for_firmware", firmware_version: String(wanted?.version), groups: wanted?.groups.join(",") ?? "", product_default: String(wanted?.product_default) });
      const answer = (await (await ask(`/v1/products/${product}/impact?${asked}`)).json()) as components["schemas"]["ImpactAnswer"];
      return answer.devices.firmware_update;
    },
    staleTime: 0,
  });
}

/** Sends a change of the firmware; the lists are asked again afterwards. */
export function useFirmwareAct(product: string) {
  const queries = useQueryClient();
  return async (method: "PUT" | "DELETE", path: string, body?: unknown): Promise<unknown> => {
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.headers = { "content-type": "application/json" };
      init.body = JSON.stringify(body);
    }
    const answer = await ask(`/v1/products/${product}/firmware${path}`, init);
    void queries.invalidateQueries({ queryKey: firmwareKeys.all(product) });
    void queries.invalidateQueries({ queryKey: ["products"] });
    return answer.status === 204 ? {} : await answer.json();
  };
}

interface Upload {
  version: string;
  title: string;
  description: string;
  file: File;
}

/** Uploads a version; tells how far it has come, from 0 to 1.
 *
 * @throws ApiError with what is wrong with the file.
 */
export function upload(product: string, what: Upload, onProgress: (share: number) => void): Promise<Version> {
  const form = new FormData();
  for (const name of ["version", "title", "description"] as const) form.append(name, what[name]);
  form.append("file", what.file);
  return new Promise((resolve, reject) => {
    // fetch cannot tell how much of a body has been sent.
    const request = new XMLHttpRequest();
    request.open("POST", `/v1/products/${product}/firmware`);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(request.response as Version);
      else reject(errorOf(request.status, request.response, request.getResponseHeader("x-request-id")));
    });
    request.addEventListener("error", () => reject(unreachable()));
    request.send(form);
  });
}
