import { useSession } from "../../state/session";
import { formatDuration } from "../../state/time";
import { StatusMark } from "../../ui/Marks";
import { Card, Command, Facts, Page, Tiles } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { Table } from "../../ui/Table";
import { Moment, TimeAgo } from "../../ui/Time";
import { type Health, type Status, useHealth, useServerStatus } from "./queries";
import { backupVerdict, certificateVerdict, diskVerdict, formatSize, queueVerdict } from "./rules";

/** How the server is: everything for those who run it, what all may know for the others. */
export default function ServerPage() {
  const session = useSession();
  return <Page title="Server">{session.data?.is_admin ? <ForAdministrators /> : <ForEverybody />}</Page>;
}

function ForEverybody() {
  return (
    <>
      <Loaded query={useHealth()} rows={3}>{(health) => <Checks health={health} />}</Loaded>
      <p className="note">Database, disk, backups and queues are shown to administrators of the server. Its operator makes one with <code>roadstead user create EMAIL --admin</code>.</p>
    </>
  );
}

function Checks({ health }: { health: Pick<Health, "status" | "checks" | "version" | "uptime_s"> }) {
  const tone = health.status === "ok" ? "good" : health.status === "degraded" ? "look" : "bad";
  const word = { ok: "well", degraded: "serves, but not all is well", unavailable: "cannot serve" }[health.status] ?? health.status;
  return (
    <Card title="Is it well?">
      <div className="stack">
        <p role="status"><StatusMark tone={tone}><strong>{word}</strong></StatusMark></p>
        <Facts rows={[
          ["Version", health.version],
          ["Running for", formatDuration(health.uptime_s)],
          ...Object.entries(health.checks).map(([name, result]): [string, React.ReactNode] => [`Check: ${name}`, <StatusMark key={name} tone={result === "ok" ? "good" : "bad"}>{result}</StatusMark>]),
        ]} />
      </div>
    </Card>
  );
}

function ForAdministrators() {
  const query = useServerStatus();
  return <Loaded query={query} rows={8}>{(status) => <Whole status={status} now={query.dataUpdatedAt} />}</Loaded>;
}

function Whole({ status, now }: { status: Status; now: number }) {
  const { database, disk, backup, certificate, devices, queues, settings } = status;
  const room = diskVerdict(disk.free_bytes, disk.total_bytes);
  const saved = backupVerdict(backup?.at ?? null, now);
  const ending = certificate && certificateVerdict(certificate.ends_at, now);
  return (
    <>
      <Tiles rows={[
        ["Devices connected", devices.online.toLocaleString()],
        ["Sessions kept", devices.sessions.toLocaleString()],
        ["Updates being sent", devices.updates_running.toLocaleString()],
        ["Requests now", status.requests_in_flight.toLocaleString()],
      ]} />
      <div className="cards">
        <Checks health={status} />
        <Card title="What it keeps">
          <Facts rows={[
            ["Database", `${database.engine === "sqlite" ? "SQLite" : "PostgreSQL"}${database.size_bytes === null ? "" : `, ${formatSize(database.size_bytes)}`}`],
            ["Schema", database.revision === database.program_revision ? <StatusMark key="s" tone="good">{`revision ${database.revision}`}</StatusMark> : <StatusMark key="s" tone="bad">{`revision ${database.revision}, this version has ${database.program_revision}`}</StatusMark>],
            ["Data folder", <code key="f">{disk.folder}</code>],
            ["Disk", <StatusMark key="d" tone={room.tone}>{`${formatSize(disk.free_bytes)} of ${formatSize(disk.total_bytes)}, ${room.text}`}</StatusMark>],
            ["Last backup", <StatusMark key="b" tone={saved.tone}>{backup ? <><TimeAgo at={backup.at} />, {formatSize(backup.size_bytes)}</> : saved.text}</StatusMark>],
            ...(backup ? [["Backup file", <code key="bf">{backup.file}</code>] as [string, React.ReactNode]] : []),
            ["Certificate", certificate && ending ? <StatusMark key="c" tone={ending.tone}>until <Moment at={certificate.ends_at} />, {ending.text}</StatusMark> : "none here: plain HTTP, or a proxy has it"],
          ]} />
          {saved.tone !== "good" && (
            <div className="stack tight">
              <p className="quiet">{database.engine === "sqlite" ? "A backup can be taken while the server runs:" : "PostgreSQL has its own tool; backups by it are not seen here."}</p>
              {database.engine === "sqlite" && <Command>roadstead backup roadstead-$(date +%F).tar.gz</Command>}
            </div>
          )}
        </Card>
      </div>
      <Card title="What waits?">
        <Table label="Queues" rows={queues} rowKey={(one) => one.name} columns={[
          { key: "title", title: "Queue", cell: (one) => one.title },
          { key: "waiting", title: "Waiting", num: true, cell: (one) => one.waiting.toLocaleString() },
          { key: "limit", title: "Takes at most", num: true, minor: true, cell: (one) => one.limit?.toLocaleString() ?? "no limit" },
          { key: "state", title: "State", cell: (one) => {
            const { tone, text } = queueVerdict(one.waiting, one.limit ?? null);
            return <StatusMark tone={tone}>{text}</StatusMark>;
          } },
        ]} />
      </Card>
      <Card title="How it is set">
        <Facts rows={[["Python", status.python], ...Object.entries(settings).map(([name, value]): [string, React.ReactNode] => [name[0]?.toUpperCase() + name.slice(1), value])]} />
        <p className="quiet">Numbers for Prometheus are at <code>/metrics</code>; <code>roadstead doctor</code> looks at the machine.</p>
      </Card>
    </>
  );
}
