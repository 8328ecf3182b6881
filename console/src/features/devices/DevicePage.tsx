import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation, useParams } from "wouter";
import { useStream } from "../../api/live";
import { HealthCheck } from "../../device/HealthCheck";
import { NameAndNotes } from "../../device/NameAndNotes";
import { type Device, useDeviceAct } from "../../device/queries";
import { Talk } from "../../device/Talk";
import { Vitals } from "../../device/Vitals";
import { platformName } from "../../state/boards";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/Dialog";
import { Connection, Copyable } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { Card, Facts, Page } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { TimeAgo } from "../../ui/Time";
import { say, sayError } from "../../ui/Toast";
import { LiveEvents } from "../../ui/live/LiveEvents";
import { deviceKeys, useDevice } from "./queries";

/** One device of the person: how it is, what it offers, what it says. */
export default function DevicePage() {
  const { device: ref = "" } = useParams<{ device: string }>();
  const query = useDevice(ref);
  return (
    <Loaded query={query} title="Device">
      {(device) => <Shown device={device} />}
    </Loaded>
  );
}

function Shown({ device }: { device: Device }) {
  const at = `/v1/devices/${device.id}`;
  const act = useDeviceAct(at);
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [leaving, setLeaving] = useState(false);
  const [editing, setEditing] = useState(false);
  useStream({ device: device.id, prefix: "spark/status" }, () => void queries.invalidateQueries({ queryKey: deviceKeys.one(device.id) }));
  const doing = async (done: string, init: Parameters<typeof act.mutateAsync>[0]) => {
    try {
      await act.mutateAsync(init);
      say(done);
    } catch (error) {
      sayError("The device did not do it", error);
    }
  };
  const ping = async () => {
    try {
      const answer = await act.mutateAsync({ method: "PUT", path: "/ping", body: {} });
      say(answer.online ? "The device answered" : "The device did not answer");
    } catch (error) {
      sayError("The device cannot be asked", error);
    }
  };
  return (
    <Page
      title={device.name ?? device.id}
      crumbs={[{ to: "/devices", label: "My devices" }]}
      beside={<Connection online={device.online} heard={device.last_heard} />}
      actions={
        <>
          <Button onClick={() => void ping()} busy={act.isPending}>Ping</Button>
          <Menu label={`Actions for ${device.name ?? device.id}`} items={[
            { label: "Signal on", act: () => void doing("The device signals", { method: "PUT", body: { signal: 1 } }), disabled: !device.online },
            { label: "Signal off", act: () => void doing("The signal is off", { method: "PUT", body: { signal: 0 } }), disabled: !device.online },
            { label: "Edit name and notes", act: () => setEditing(true) },
            { label: "Give the device up", danger: true, act: () => setLeaving(true) },
          ]} />
        </>
      }
    >
      <NameAndNotes device={device} at={at} open={editing} onClose={() => setEditing(false)} />
      <ConfirmDialog
        open={leaving}
        onClose={() => setLeaving(false)}
        title={`Give up ${device.name ?? device.id}?`}
        verb="Give the device up"
        act={async () => {
          await act.mutateAsync({ method: "DELETE" });
          navigate("/devices");
          say("The device is nobody's now");
        }}
      >
        <p>You will not see it, call it or hear its events any more. Its name and notes are deleted. Anyone may claim it while it is online.</p>
      </ConfirmDialog>
      <div className="cards">
        <Card title="Identity">
          <Facts rows={[
            ["Device ID", <Copyable key="id" text={device.id} what="device ID" />],
            ["Board", platformName(device.platform_id)],
            ["Serial number", device.serial_number],
            ["Device OS", device.system_firmware_version],
            ["Product firmware", device.firmware_version === 0 ? "none" : `version ${device.firmware_version}`],
            ["Mode", device.status === "safe_mode" ? "safe mode: it runs without its application" : "normal"],
            ["Notes", device.notes],
          ]} />
        </Card>
        <Card title="Connection">
          <Facts rows={[
            ["Last heard", <TimeAgo key="h" at={device.last_heard} />],
            ["Last full handshake", <TimeAgo key="s" at={device.last_handshake_at} />],
            ["Address", device.last_ip_address],
            ["Updates", device.firmware_updates_enabled === false ? "refused by the device" : "accepted"],
          ]} />
        </Card>
      </div>
      <HealthCheck device={device} />
      <Talk device={device} at={at} />
      <Vitals device={device} at={`/v1/diagnostics/${device.id}`} />
      <Card title="Events"><LiveEvents filter={{ device: device.id }} /></Card>
    </Page>
  );
}
