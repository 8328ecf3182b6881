import { useState } from "react";
import { useLocation } from "wouter";
import { useUrlState } from "../../state/url";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/Dialog";
import { StatusMark } from "../../ui/Marks";
import { Card, Facts } from "../../ui/Page";
import { Failed, Loaded, Loading } from "../../ui/States";
import { Moment, TimeAgo } from "../../ui/Time";
import { say, sayError } from "../../ui/Toast";
import { type Base, type Delivery, type Integration, useDeliveries, useIntegration, useIntegrationAct } from "./queries";
import { isPlainWebhook, outcomeTone } from "./rules";
import { SettingsDialog } from "./SettingsDialog";
import { WebhookDialog } from "./WebhookDialog";

interface Tried {
  pass: boolean;
  status: number | null;
  data?: string;
  error?: string;
}

/** One integration: what it is, whether it delivers, what it sent. */
export function IntegrationPanel({ base, at, id }: { base: Base; at: string; id: string }) {
  const query = useIntegration(base, id);
  return <Loaded query={query}>{(one) => <Shown base={base} at={at} one={one} />}</Loaded>;
}

function Shown({ base, at, one }: { base: Base; at: string; one: Integration }) {
  const act = useIntegrationAct(base);
  const [, navigate] = useLocation();
  const [layer, setLayer] = useState<"edit" | "delete" | null>(null);
  const [tried, setTried] = useState<Tried | null>(null);
  const tryIt = async () => {
    try {
      setTried((await act("POST", `/${one.id}/test`, { data: "test-event", device_id: "api" })) as Tried);
    } catch (error) {
      sayError("It could not be tried", error);
    }
  };
  const reset = async () => {
    try {
      await act("POST", `/${one.id}/reset`);
      say("It is tried again from now on");
    } catch (error) {
      sayError("It was not reset", error);
    }
  };
  const { breaker } = one;
  return (
    <>
      <Card title={one.name} actions={<><Button needs="integrations:test" onClick={() => void tryIt()}>Try it now</Button><Button needs="integrations:update" onClick={() => setLayer("edit")}>Change</Button><Button needs="integrations:remove" onClick={() => setLayer("delete")}>Delete</Button></>}>
        <Facts rows={[
          ["State", one.disabled ? <StatusMark key="d" tone="idle">disabled</StatusMark> : breaker?.state === "open" ? <span key="o" className="row"><StatusMark tone="bad">held back after failures until <Moment at={breaker.until} /></StatusMark><Button needs="integrations:update" small onClick={() => void reset()}>Try again now</Button></span> : <StatusMark key="e" tone="good">delivering</StatusMark>],
          ["Events that begin with", <code key="v">{one.event}</code>],
          ["Kind", one.template ? `${one.integration_type}, made from ${one.template}` : one.integration_type],
          ["On their way now", (one.in_flight ?? 0).toLocaleString()],
          ["Address", one.url ? <code key="u">{one.url}</code> : "–"],
          ["Created", <TimeAgo key="c" at={one.created_at} />],
        ]} />
        {tried && (
          <div role="status" className="stack tight">
            <StatusMark tone={tried.pass ? "good" : "bad"}>{tried.pass ? `accepted with ${tried.status}` : `not accepted: ${tried.error}`}</StatusMark>
            {tried.data && <pre className="code">{tried.data}</pre>}
          </div>
        )}
      </Card>
      <Deliveries base={base} id={one.id} />
      {layer === "edit" && (isPlainWebhook(one) ? <WebhookDialog base={base} integration={one} onClose={() => setLayer(null)} /> : <SettingsDialog base={base} integration={one} onClose={() => setLayer(null)} />)}
      <ConfirmDialog open={layer === "delete"} onClose={() => setLayer(null)} title={`Delete ${one.name}?`} verb="Delete the integration" act={async () => {
        await act("DELETE", `/${one.id}`);
        navigate(`${at}/integrations`);
        say("The integration was deleted");
      }}>
        <p>Nothing more is sent, and what waits is dropped.</p>
      </ConfirmDialog>
    </>
  );
}

function Deliveries({ base, id }: { base: Base; id: string }) {
  const [url, change] = useUrlState();
  const outcome = url.get("outcome") ?? "";
  const query = useDeliveries(base, id, outcome);
  const act = useIntegrationAct(base);
  const all = query.data?.pages.flatMap((page) => page.deliveries) ?? [];
  const replay = async (path: string, body?: unknown) => {
    try {
      await act("POST", path, body);
      say("It is sent again");
    } catch (error) {
      sayError("It was not sent again", error);
    }
  };
  return (
    <Card title="What was sent" actions={
      <>
        <select className="input" aria-label="Outcome" style={{ width: "auto" }} value={outcome} onChange={(event) => change({ outcome: event.target.value })}>
          <option value="">All</option><option value="waiting">Waiting</option><option value="delivered">Delivered</option><option value="dead">Not delivered</option>
        </select>
        <Button needs="integrations:update" small onClick={() => void replay(`/${id}/deliveries/replay`, { outcome: "dead" })}>Send all again that failed</Button>
      </>
    }>
      {query.error && !query.data ? <Failed error={query.error} retry={() => void query.refetch()} /> : query.isPending ? <Loading rows={4} /> : all.length === 0 ? <p className="quiet">Nothing yet.</p> : (
        <ul className="stack tight">{all.map((one) => <li key={one.id}><Entry one={one} onReplay={() => void replay(`/${id}/deliveries/${one.id}/replay`)} /></li>)}</ul>
      )}
      {query.hasNextPage && <div className="row"><Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>Show older</Button></div>}
    </Card>
  );
}

function Entry({ one, onReplay }: { one: Delivery; onReplay: () => void }) {
  return (
    <details className="note">
      <summary>
        <StatusMark tone={outcomeTone(one.outcome)}>{one.outcome}</StatusMark> <strong>{one.event.name}</strong> <span className="quiet mono">{one.event.coreid}</span> <Moment at={one.event.published_at} /> <span className="quiet">{one.attempts} {one.attempts === 1 ? "attempt" : "attempts"}</span>
      </summary>
      <div className="stack">
        {one.error && <p className="note bad wrap-any">{one.error}</p>}
        {one.next_attempt_at && <p>Next attempt at <Moment at={one.next_attempt_at} /></p>}
        <div className="cards">
          <div><h3>Request</h3><pre className="code">{JSON.stringify(one.request, null, 2)}</pre></div>
          <div><h3>Response</h3><pre className="code">{JSON.stringify(one.response, null, 2)}</pre></div>
        </div>
        <div className="row"><Button needs="integrations:update" small onClick={onReplay}>Send it again</Button></div>
      </div>
    </details>
  );
}
