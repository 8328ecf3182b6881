import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError } from "../api/errors";
import { ask } from "../api/client";
import { Button } from "../ui/Button";
import { Card, Facts } from "../ui/Page";
import { Loaded } from "../ui/States";
import { TimeAgo } from "../ui/Time";
import { sayError } from "../ui/Toast";
import type { Device } from "./queries";
import { flatten } from "./vitals";

interface Last {
  diagnostics: { updated_at: string; payload: { device: Record<string, unknown>; service?: Record<string, unknown> } };
}

/** What the device last told about its own state.
 *
 * @param at where its vitals are: `/v1/diagnostics/ID`, or within its product.
 */
export function Vitals({ device, at }: { device: Device; at: string }) {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const query = useQuery({
    queryKey: ["vitals", device.id],
    queryFn: async (): Promise<Last | null> => {
      try {
        return (await (await ask(`${at}/last`)).json()) as Last;
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
  });
  const refresh = async () => {
    setBusy(true);
    try {
      await ask(`${at}/update`, { method: "POST" });
      setTimeout(() => void queries.invalidateQueries({ queryKey: ["vitals", device.id] }), 1500);
    } catch (error) {
      sayError("The vitals were not refreshed", error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Card title="Vitals" actions={<Button needs="devices.diagnostics:update" small busy={busy} disabled={!device.online} onClick={() => void refresh()}>Ask the device</Button>}>
      <Loaded query={{ ...query, data: query.data === null ? { none: true as const } : query.data }} rows={3}>
        {(last) => "none" in last ? <p className="quiet">The device has not sent any yet.</p> : (
          <>
            <p className="quiet">told <TimeAgo at={last.diagnostics.updated_at} /></p>
            <Facts rows={flatten(last.diagnostics.payload.device)} />
          </>
        )}
      </Loaded>
    </Card>
  );
}
