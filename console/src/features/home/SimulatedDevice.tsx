import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { api, ask, take } from "../../api/client";
import { Button } from "../../ui/Button";
import { StatusMark } from "../../ui/Marks";
import { Card } from "../../ui/Page";
import { ErrorNote } from "../../ui/States";
import { Clock } from "../../ui/Time";
import { say } from "../../ui/Toast";

const KEY = ["simulated-device"];

function useSimulatedDevice() {
  return useQuery({ queryKey: KEY, queryFn: () => take(api.GET("/v1/simulated_device")), refetchInterval: 30_000 });
}

function useAct() {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const act = async (method: "POST" | "DELETE", done: string) => {
    setBusy(true);
    setError(null);
    try {
      await ask("/v1/simulated_device", { method });
      say(done);
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
      await Promise.all([KEY, ["devices"]].map((queryKey) => queries.invalidateQueries({ queryKey })));
    }
  };
  return { busy, error, act };
}

/** Lets the server run a device for somebody who has none. */
export function StartSimulatedDevice() {
  const query = useSimulatedDevice();
  const { busy, error, act } = useAct();
  if (query.data?.offered === false) return <p className="quiet">This server runs no simulated devices itself; the commands below do the same.</p>;
  return (
    <div className="stack tight">
      <div className="row"><Button kind="primary" busy={busy} onClick={() => void act("POST", "Your simulated device is online")}>Start a simulated device</Button></div>
      <p className="quiet">A fridge that speaks the real protocol to this server and is yours. It ends by itself after half an hour, or when you say so.</p>
      {error !== null && <ErrorNote error={error} />}
    </div>
  );
}

/** The simulated device that runs now, and the way to end it. Nothing is shown without one. */
export function RunningSimulatedDevice() {
  const query = useSimulatedDevice();
  const { busy, error, act } = useAct();
  const device = query.data?.simulated_device;
  if (!device) return null;
  return (
    <Card title="Your simulated device" actions={<Button small busy={busy} onClick={() => void act("DELETE", "It has ended and is offline")}>End it</Button>}>
      <p><StatusMark tone={device.online ? "good" : "work"}>{device.online ? "online" : "connecting"}</StatusMark> It is <Link to={`/devices/${device.id}`}>among your devices</Link>: call its functions, read its variables, follow its events. It ends by itself at <Clock at={device.ends_at} />.</p>
      {error !== null && <ErrorNote error={error} />}
    </Card>
  );
}
