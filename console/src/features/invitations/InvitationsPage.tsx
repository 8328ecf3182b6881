import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../api/client";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import { Empty, Loaded } from "../../ui/States";
import { Table } from "../../ui/Table";
import { TimeAgo } from "../../ui/Time";
import { say, sayError } from "../../ui/Toast";

/** Teams that wait for the person's answer. */
export default function InvitationsPage() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: ["invitations"], queryFn: () => take(api.GET("/v1/user/invitations")) });
  const decide = async (id: string, action: "accept" | "decline") => {
    try {
      await take(api.PUT("/v1/user/invitations/{invitation}", { params: { path: { invitation: id } }, body: { action } }));
      say(action === "accept" ? "Welcome to the team" : "Declined");
      await queries.invalidateQueries();
    } catch (error) {
      sayError("Nothing was decided", error);
    }
  };
  return (
    <Page title="Invitations">
      <Loaded query={query} rows={2}>
        {(all) => all.length === 0 ? <Empty title="Nobody waits for your answer" /> : (
          <Table label="Invitations" rows={all} rowKey={(one) => one.id} columns={[
            { key: "team", title: "Team", cell: (one) => one.name },
            { key: "role", title: "Role", cell: (one) => one.role.name },
            { key: "since", title: "Invited", minor: true, cell: (one) => <TimeAgo at={one.created_at} /> },
            { key: "act", title: "", cell: (one) => <span className="row"><Button small kind="primary" onClick={() => void decide(one.id, "accept")}>Accept</Button><Button small onClick={() => void decide(one.id, "decline")}>Decline</Button></span> },
          ]} />
        )}
      </Loaded>
    </Page>
  );
}
