import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ask } from "../api/client";
import type { components } from "../api/schema";
import { Button } from "../ui/Button";
import { StatusMark, type Tone } from "../ui/Marks";
import { Card } from "../ui/Page";
import { Loaded } from "../ui/States";
import { TimeAgo } from "../ui/Time";
import { sayError } from "../ui/Toast";
import type { Device } from "./queries";

type Answer = components["schemas"]["DeviceHealthAnswer"];
type Layer = components["schemas"]["HealthLayer"];
type Finding = components["schemas"]["HealthFinding"];

const TONES: Record<string, Tone> = { healthy: "good", warning: "look", unhealthy: "bad", unknown: "idle" };

const LAYERS: Record<string, string> = { device: "Device", power: "Power", signal: "Signal", cloud: "Cloud" };

/** Is this device well, layer by layer, and what should be done?
 *
 * @param within the product's part of the address, `/products/SLUG`, or nothing for one's own device.
 */
export function HealthCheck({ device, within = "" }: { device: Device; within?: string }) {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const key = ["health-check", device.id];
  const query = useQuery({
    queryKey: key,
    queryFn: async () => ((await (await ask(`/v1${within}/health_checks/${device.id}`)).json()) as Answer).health,
    refetchInterval: 30_000,
  });
  const run = async () => {
    setBusy(true);
    try {
      if (device.online) await ask(`/v1${within}/diagnostics/${device.id}/update`, { method: "POST" });
    } catch (error) {
      sayError("The device did not give fresh vitals; the check is of the last ones", error);
    } finally {
      for (const one of [key, ["vitals", device.id]]) await queries.invalidateQueries({ queryKey: one });
      setBusy(false);
    }
  };
  return (
    <Card title="Health check" actions={<Button small busy={busy} onClick={() => void run()}>Run the health check</Button>}>
      <Loaded query={query} rows={4}>
        {(health) => (
          <div className="stack">
            <p className="row">
              <strong><StatusMark tone={TONES[health.state] ?? "idle"}>{health.state}</StatusMark></strong>
              <span className="quiet">checked <TimeAgo at={health.checked_at} />, vitals <TimeAgo at={health.vitals_at} none="never sent" /></span>
            </p>
            <div className="cards">{health.layers.map((one) => <LayerShown key={one.name} layer={one} />)}</div>
          </div>
        )}
      </Loaded>
    </Card>
  );
}

function LayerShown({ layer }: { layer: Layer }) {
  const known = layer.checks.filter((one) => one.state !== "unknown");
  const unknown = layer.checks.filter((one) => one.state === "unknown");
  return (
    <section className="stack tight" aria-label={`${LAYERS[layer.name] ?? layer.name}: ${layer.state}`}>
      <h3 className="row"><span className="grow">{LAYERS[layer.name] ?? layer.name}</span><StatusMark tone={TONES[layer.state] ?? "idle"}>{layer.state}</StatusMark></h3>
      <dl className="facts">
        {known.map((one) => (
          <div key={one.name}>
            <dt>{one.label}</dt>
            <dd><StatusMark tone={TONES[one.state] ?? "idle"}>{figure(one)}</StatusMark></dd>
          </div>
        ))}
      </dl>
      {known.filter((one) => one.state !== "healthy").map((one) => <p key={one.name} className={`note ${one.state === "unhealthy" ? "bad" : "look"}`}><strong>{one.label}</strong> ({limit(one)}). {one.text}</p>)}
      {unknown.length > 0 && <p className="quiet">Not known: {unknown.map((one) => one.label.toLowerCase()).join(", ")}.</p>}
    </section>
  );
}

function figure(one: Finding): string {
  return `${(one.figure ?? 0).toLocaleString()}${one.unit ? ` ${one.unit}` : ""}`;
}

function limit(one: Finding): string {
  const edge = one.state === "unhealthy" ? one.unhealthy : one.warning;
  return `${one.state} from ${edge?.toLocaleString() ?? "–"}${one.unit ? ` ${one.unit}` : ""}`;
}
