import type { components } from "../../api/schema";
import { Button } from "../../ui/Button";
import { Chip } from "../../ui/Marks";
import { Card } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { type Column, Table } from "../../ui/Table";
import { TimeAgo } from "../../ui/Time";
import { say, sayError } from "../../ui/Toast";
import { useAccountAct, useSignIns } from "./queries";

type SignIn = components["schemas"]["SignInAnswer"];

/** Where the person is signed in: browsers, command lines, programs. */
export function SignIns() {
  const query = useSignIns();
  const act = useAccountAct();
  const end = async (one: SignIn) => {
    try {
      await act("DELETE", `/v1/user/tokens/${one.id}`);
      say("That sign-in has ended");
    } catch (error) {
      sayError("It has not ended", error);
    }
  };
  const columns: Column<SignIn>[] = [
    { key: "client", title: "Program", cell: (one) => <>{one.client} {one.current && <Chip tone="good">this one</Chip>}</> },
    { key: "address", title: "Address", minor: true, cell: (one) => one.address ?? "–" },
    { key: "used", title: "Last used", cell: (one) => <TimeAgo at={one.last_used_at} none="not known" /> },
    { key: "made", title: "Since", minor: true, cell: (one) => <TimeAgo at={one.created_at} /> },
    { key: "ends", title: "Ends", minor: true, cell: (one) => one.expires_at ? one.expires_at.slice(0, 10) : "never" },
    { key: "act", title: "", cell: (one) => !one.current && <Button small aria-label={`End the sign-in of ${one.client}`} onClick={() => void end(one)}>End</Button> },
  ];
  return (
    <Card title="Signed in at">
      <Loaded query={query} rows={3}>{(all) => <Table label="Sign-ins" columns={columns} rows={all} rowKey={(one) => one.id} />}</Loaded>
    </Card>
  );
}
