import { useState } from "react";
import { useRefusal } from "../../state/rights";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/Dialog";
import { Chip } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { Card } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { type Column, Table } from "../../ui/Table";
import { TimeAgo } from "../../ui/Time";
import { say, sayError } from "../../ui/Toast";
import { ApiUserDialog, TokenDialog } from "./ApiUsers";
import { InviteDialog } from "./InviteDialog";
import { type ApiUser, type Member, type Scope, useTeam, useTeamAct } from "./queries";
import { isPerson, isProgram, ROLES } from "./rules";

/** Who has access, with which role, and who was invited. */
export function TeamPanel({ scope, name }: { scope: Scope; name: string }) {
  const team = useTeam(scope);
  const act = useTeamAct(scope);
  const [inviting, setInviting] = useState(false);
  const [leaving, setLeaving] = useState<{ username: string; title: string } | null>(null);
  const setRole = async (member: Member, role: string) => {
    try {
      await act("POST", `/${encodeURIComponent(member.username)}`, { role });
      say(`${member.username} is ${role} now`);
    } catch (error) {
      sayError("The role was not changed", error);
    }
  };
  const columns: Column<Member>[] = [
    { key: "name", title: "Person", cell: (one) => <span className="wrap-any">{one.username}</span> },
    { key: "role", title: "Role", cell: (one) => <Role member={one} onChange={(role) => void setRole(one, role)} /> },
    { key: "mfa", title: "Second factor", minor: true, cell: (one) => <Chip tone={one.no_mfa ? "look" : "good"}>{one.no_mfa ? "off" : "on"}</Chip> },
    { key: "act", title: "", cell: (one) => one.role.name !== "Owner" && <Menu label={`Actions for ${one.username}`} items={[{ label: "Remove from the team", needs: "teams.users:remove", danger: true, act: () => setLeaving({ username: one.username, title: one.username }) }]} /> },
  ];
  return (
    <Loaded query={team}>
      {(answer) => {
        const people = answer.team.filter(isPerson);
        const programs = answer.team.filter(isProgram);
        return (
          <>
            <Card title="People" actions={<Button needs="teams.users:invite" kind="primary" onClick={() => setInviting(true)}>Invite</Button>}>
              <Table label="People of the team" columns={columns} rows={people} rowKey={(one) => one.username} />
            </Card>
            {answer.invitations.length > 0 && (
              <Card title="Invited, not accepted yet">
                <ul className="stack">
                  {answer.invitations.map((one) => (
                    <li key={one.id} className="row">
                      <span className="grow wrap-any">{one.username} as {one.role.name}, invited <TimeAgo at={one.created_at} /></span>
                      <Button needs="teams.users:remove" small onClick={() => setLeaving({ username: one.username, title: `the invitation of ${one.username}` })}>Withdraw</Button>
                    </li>
                  ))}
                </ul>
              </Card>
            )}
            <Programs scope={scope} programs={programs} onRemove={(one) => setLeaving({ username: one.username, title: one.friendly_name })} />
            <InviteDialog scope={scope} name={name} open={inviting} onClose={() => setInviting(false)} />
            {leaving && (
              <ConfirmDialog open onClose={() => setLeaving(null)} title={`Remove ${leaving.title}?`} verb="Remove" act={async () => {
                await act("DELETE", `/${encodeURIComponent(leaving.username)}`);
                say("Removed");
              }}>
                <p>Access to {name} ends at once; open event streams are cut within seconds.</p>
              </ConfirmDialog>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

function Role({ member, onChange }: { member: Member; onChange: (role: string) => void }) {
  const refusal = useRefusal()("teams.users:update");
  if (member.role.name === "Owner" || refusal !== null) return <span title={refusal ?? undefined}>{member.role.name}</span>;
  return (
    <select className="input" aria-label={`Role of ${member.username}`} value={member.role.name} onChange={(event) => onChange(event.target.value)}>
      {ROLES.map(([role]) => <option key={role}>{role}</option>)}
    </select>
  );
}

function Programs({ scope, programs, onRemove }: { scope: Scope; programs: ApiUser[]; onRemove: (one: ApiUser) => void }) {
  const [editing, setEditing] = useState<ApiUser | "new" | null>(null);
  const [token, setToken] = useState<string | null>(null);
  const act = useTeamAct(scope);
  const renew = async (one: ApiUser) => {
    try {
      const answer = (await act("PUT", `/${encodeURIComponent(one.username)}/token`)) as { updated: { tokens: { token: string }[] } };
      setToken(answer.updated.tokens[0]?.token ?? null);
    } catch (error) {
      sayError("There is no new token", error);
    }
  };
  const columns: Column<ApiUser>[] = [
    { key: "name", title: "Program", cell: (one) => one.friendly_name },
    { key: "scopes", title: "May", cell: (one) => <span className="wrap-any mono">{one.scopes.join(", ")}</span> },
    { key: "act", title: "", cell: (one) => (
      <Menu label={`Actions for ${one.friendly_name}`} items={[
        { label: "Change name or rights", needs: "teams.users:update", act: () => setEditing(one) },
        { label: "Make a new token", needs: "teams.users:update", act: () => void renew(one) },
        { label: "Remove", needs: "teams.users:remove", danger: true, act: () => onRemove(one) },
      ]} />
    ) },
  ];
  return (
    <Card title="API users" actions={<Button needs="teams.users:invite" onClick={() => setEditing("new")}>Add an API user</Button>}>
      {programs.length === 0 ? <p className="quiet">Programs of yours that use the API get an account each, with exactly the rights that they need and one token that does not expire.</p> : <Table label="API users" columns={columns} rows={programs} rowKey={(one) => one.username} />}
      {editing && <ApiUserDialog scope={scope} user={editing === "new" ? null : editing} onClose={() => setEditing(null)} onToken={setToken} />}
      {token && <TokenDialog token={token} onClose={() => setToken(null)} />}
    </Card>
  );
}
