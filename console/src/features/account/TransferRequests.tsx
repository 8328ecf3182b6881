import { Button } from "../../ui/Button";
import { Card } from "../../ui/Page";
import { say, sayError } from "../../ui/Toast";
import { useAccountAct, useTransfers } from "./queries";

/** Somebody asks for a device of the person. Nothing is shown when nobody does. */
export function TransferRequests() {
  const query = useTransfers();
  const act = useAccountAct();
  const asked = (query.data ?? []).filter((one) => one.incoming);
  if (asked.length === 0) return null;
  const decide = async (id: string, accept: boolean) => {
    try {
      await act("PUT", `/v1/transfer_requests/${id}`, { action: accept ? "accept" : "decline" });
      say(accept ? "The device has a new owner" : "The request was declined");
    } catch (error) {
      sayError("Nothing was decided", error);
    }
  };
  return (
    <Card title="Requests for your devices">
      <ul className="stack">
        {asked.map((one) => (
          <li key={one.id} className="row">
            <span className="grow wrap-any">{one.requester} asks for <code>{one.device_id}</code></span>
            <Button small onClick={() => void decide(one.id, true)}>Hand it over</Button>
            <Button small onClick={() => void decide(one.id, false)}>Decline</Button>
          </li>
        ))}
      </ul>
    </Card>
  );
}
