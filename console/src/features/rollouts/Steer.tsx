import { useState } from "react";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/Dialog";
import { CheckField } from "../../ui/Field";
import { say, sayError } from "../../ui/Toast";
import { type Rollout, useRolloutAct } from "./queries";
import { actsOn } from "./rules";

/** What can be done with a rollout now, and its report. */
export function Steer({ product, rollout }: { product: string; rollout: Rollout }) {
  const { steer } = useRolloutAct(product);
  const [aborting, setAborting] = useState(false);
  const [rollback, setRollback] = useState(false);
  const [busy, setBusy] = useState(false);
  const may = actsOn(rollout.state);
  const run = async (what: "pause" | "resume" | "approve", done: string) => {
    setBusy(true);
    try {
      await steer(rollout.id, what);
      say(done);
    } catch (error) {
      sayError("The rollout was not changed", error);
    } finally {
      setBusy(false);
    }
  };
  const report = `/v1/products/${product}/rollouts/${rollout.id}/report?format=csv`;
  return (
    <div className="row">
      {may.approve && <Button needs="rollouts:update" kind="primary" busy={busy} onClick={() => void run("approve", "Approved")}>Approve</Button>}
      {may.resume && <Button needs="rollouts:update" kind="primary" busy={busy} onClick={() => void run("resume", "The rollout goes on")}>{rollout.state === "held" ? "Go on to the next stage" : "Resume"}</Button>}
      {may.pause && <Button needs="rollouts:update" busy={busy} onClick={() => void run("pause", "Nothing new is sent")}>Pause</Button>}
      <a className="button" href={report} download={`rollout-${rollout.id}.csv`}>Download the report</a>
      {may.abort && <Button needs="rollouts:update" kind="danger" onClick={() => setAborting(true)}>Abort</Button>}
      <ConfirmDialog open={aborting} onClose={() => setAborting(false)} title="Abort this rollout?" verb="Abort the rollout" act={async () => {
        await steer(rollout.id, "abort", { rollback });
        say("The rollout has ended");
      }}>
        <p>{rollout.offered.toLocaleString()} of {(rollout.devices + rollout.late_devices).toLocaleString()} devices have been offered version {rollout.version}. What is on its way is cut within seconds, and it cannot be resumed.</p>
        <CheckField label="Give devices back what they had" help="By a rollout of its own that goes out at once." checked={rollback} onChange={(event) => setRollback(event.target.checked)} />
      </ConfirmDialog>
    </div>
  );
}
