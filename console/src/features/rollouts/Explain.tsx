import { type FormEvent, useState } from "react";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { StatusMark, type Tone } from "../../ui/Marks";
import { ErrorNote } from "../../ui/States";
import { Moment } from "../../ui/Time";
import { type Explanation, explainDevice } from "./queries";

const TONES: Record<string, Tone> = { passes: "good", waits: "look", stops: "bad" };

/** Why a device has not got the version yet, with its place in the queue. */
export function Explain({ product, rollout }: { product: string; rollout: string }) {
  const [device, setDevice] = useState("");
  const [told, setTold] = useState<Explanation | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const ask = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    setTold(null);
    try {
      setTold(await explainDevice(product, rollout, device.trim()));
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="stack" onSubmit={(event) => void ask(event)}>
      <TextField label="Device" autoComplete="off" help="Its ID: 24 hexadecimal digits." value={device} onChange={(event) => setDevice(event.target.value)} />
      <div className="row"><Button type="submit" busy={busy} disabled={!device.trim()}>Why has it not got the version?</Button></div>
      {error !== null && <ErrorNote error={error} />}
      {told && (
        <div className="stack tight" role="status">
          <p><strong>{told.text}</strong></p>
          <p className="quiet">
            {told.stage !== null && `Stage ${told.stage}. `}{told.queue_position !== null && `Place ${told.queue_position.toLocaleString()} in the queue. `}{told.until && <>Until <Moment at={told.until} />.</>}
          </p>
          <ul className="stack tight">{told.rules.map((one) => <li key={one.rule}><StatusMark tone={TONES[one.verdict] ?? "idle"}>{one.text || one.rule.replaceAll("_", " ")}</StatusMark></li>)}</ul>
        </div>
      )}
    </form>
  );
}
