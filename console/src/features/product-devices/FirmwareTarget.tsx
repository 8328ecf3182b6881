import { useQuery } from "@tanstack/react-query";
import { ask } from "../../api/client";
import { StatusMark, type Tone } from "../../ui/Marks";
import { Card, Facts } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { Moment } from "../../ui/Time";
import type { ProductDevice } from "./queries";

interface Rule {
  rule: string;
  verdict: string;
  text: string;
}

interface Target {
  running: number | null;
  target: number | null;
  reason: string;
  hold: { reason: string; until: string | null } | null;
  rules: Rule[];
}

const TONES: Record<string, Tone> = { decides: "work", holds: "look", passes: "good", not_reached: "idle" };

/** Why this device runs this version, why not yet another, and what would change that. */
export function FirmwareTarget({ product, device }: { product: string; device: ProductDevice }) {
  const query = useQuery({
    queryKey: ["firmware-target", product, device.id],
    queryFn: async () => (await (await ask(`/v1/products/${product}/firmware_targets/${device.id}`)).json()) as Target,
    refetchInterval: 15_000,
  });
  return (
    <Card title="What it runs, and why">
      <Loaded query={query} rows={4}>
        {(target) => {
          const speaking = target.rules.filter((one) => one.text);
          return (
            <div className="stack">
              <Facts rows={[
                ["Runs", target.running === null ? "no product firmware" : `version ${target.running}`],
                ["Should run", target.target === null ? "nothing in particular" : `version ${target.target}`],
                ["State", <State key="s" target={target} />],
              ]} />
              <ul className="stack tight">{speaking.map((one) => <li key={one.rule}><StatusMark tone={toneOf(one, target)}>{one.text}</StatusMark></li>)}</ul>
              <details>
                <summary className="quiet">All rules, in their order</summary>
                <ol className="mono">{target.rules.map((one) => <li key={one.rule}>{one.rule}: {one.verdict.replace("_", " ")}</li>)}</ol>
              </details>
            </div>
          );
        }}
      </Loaded>
    </Card>
  );
}

/** A rule that holds because all is well does not ask to be looked at. */
function toneOf(rule: Rule, target: Target): Tone {
  if (rule.verdict === "holds" && target.hold?.reason === "up_to_date") return "good";
  return TONES[rule.verdict] ?? "idle";
}

function State({ target }: { target: Target }) {
  if (target.hold === null) return <StatusMark tone="work">is being updated</StatusMark>;
  if (target.hold.reason === "up_to_date") return <StatusMark tone="good">up to date</StatusMark>;
  if (target.target === null) return <StatusMark tone="idle">{target.reason.replaceAll("_", " ")}</StatusMark>;
  return <StatusMark tone="look">held: {target.hold.reason.replaceAll("_", " ")}{target.hold.until && <> until <Moment at={target.hold.until} /></>}</StatusMark>;
}
