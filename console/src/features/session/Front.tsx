import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { api, take } from "../../api/client";
import { formatDuration } from "../../state/time";
import { StatusMark } from "../../ui/Marks";
import { Facts } from "../../ui/Page";

/** The pages before signing in: the form, and which server this is. */
export function Front({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="front">
      <main>
        <div className="box">
          <span className="brand"><img src="/assets/icon.svg" alt="" width="26" height="26" />Roadstead</span>
          <h1>{title}</h1>
          {children}
        </div>
      </main>
      <aside aria-label="This server">
        <h2>The device cloud you own</h2>
        <p className="quiet">Devices that run Device OS connect here over an encrypted session. You claim them, follow what they say, and send them firmware that stops by itself when devices fare worse.</p>
        <Server />
        <p className="row"><a href="/docs/api">API</a> <a href="/openapi.json">OpenAPI</a> <a href="/healthz">Health</a></p>
      </aside>
    </div>
  );
}

function Server() {
  const health = useQuery({ queryKey: ["health"], queryFn: () => take(api.GET("/healthz")), refetchInterval: 15_000 });
  const keys = useQuery({ queryKey: ["server-keys"], queryFn: () => take(api.GET("/v1/server_keys")) });
  const well = health.data?.status === "ok";
  const udp = keys.data?.udp;
  const state = health.data ? <StatusMark tone={well ? "good" : "look"}>{well ? "running" : health.data.status}</StatusMark> : <StatusMark tone={health.error ? "bad" : "work"}>{health.error ? "not reachable" : "asking"}</StatusMark>;
  return (
    <Facts rows={[
      ["This server", state],
      ["Address", <code key="a">{window.location.host}</code>],
      ["Version", health.data?.version],
      ["Running for", health.data && formatDuration(health.data.uptime_s)],
      ["Devices connect to", udp ? <code key="u">{udp.host}:{udp.port} (UDP)</code> : "–"],
    ]} />
  );
}
