import { useQuery } from "@tanstack/react-query";
import { api, take } from "../../api/client";

/** The person's devices, for counting; while there are none it is asked often, so that the first one is noticed. */
export function useHomeDevices() {
  return useQuery({
    queryKey: ["devices", "mine"],
    queryFn: () => take(api.GET("/v1/devices")),
    refetchInterval: (query) => (query.state.data?.length === 0 ? 3000 : 60_000),
  });
}
