import { useQuery } from "@tanstack/react-query";
import { api, take } from "../../api/client";
import type { components } from "../../api/schema";
import { StatusMark, type Tone } from "../../ui/Marks";
import { Card } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { Table } from "../../ui/Table";
import { Moment } from "../../ui/Time";
import { formatDuration } from "../../state/time";

/** The updates that the device was given, newest first. */
export function UpdateHistory({ product, device }: { product: string; device: string }) {
  const query = useQuery({
    queryKey: ["devices", "product", product, "one", device, "history"],
    queryFn: async () => (await take(api.GET("/v1/products/{product}/firmware_history/{device}", { params: { path: { product, device } } }))).history,
  });
  return (
    <Card title="Updates so far">
      <Loaded query={query} rows={2}>
        {(all) => all.length === 0 ? <p className="quiet">It was given no firmware yet.</p> : (
          <Table label="Updates" rows={all} rowKey={(one) => one.id} columns={[
            { key: "when", title: "When", cell: (one) => <Moment at={one.requested_at} /> },
            { key: "what", title: "Version", cell: (one) => `${one.from_version ?? "–"} → ${one.version ?? "a file"}` },
            { key: "result", title: "Result", cell: (one) => <Result one={one} /> },
            { key: "why", title: "Why", minor: true, cell: (one) => `${one.cause}, ${one.reason.replaceAll("_", " ")}` },
            { key: "took", title: "Took", num: true, minor: true, cell: (one) => one.duration_s === null ? "–" : formatDuration(one.duration_s) },
            { key: "bytes", title: "Bytes", num: true, minor: true, cell: (one) => one.sent_bytes.toLocaleString() },
          ]} />
        )}
      </Loaded>
    </Card>
  );
}

const TONES: Record<string, Tone> = { success: "good", succeeded: "good", updated: "good", failed: "bad" };

function Result({ one }: { one: components["schemas"]["DeliveryDocument"] }) {
  const word = one.result ?? one.state;
  return <StatusMark tone={TONES[word] ?? (one.result === null ? "work" : "bad")}>{word.replaceAll("_", " ")}{one.text && `: ${one.text}`}</StatusMark>;
}
