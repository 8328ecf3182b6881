import { useState } from "react";
import { useUrlState } from "../../state/url";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/Dialog";
import { Chip } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { Card } from "../../ui/Page";
import { ErrorNote, Loaded } from "../../ui/States";
import { type Column, Table } from "../../ui/Table";
import { TimeAgo } from "../../ui/Time";
import { say } from "../../ui/Toast";
import { ActDialog } from "./ActDialog";
import { type Rule, useAlertActs, useRules } from "./queries";
import { draftOf, fieldsOf, toldOf } from "./rules";

interface Props {
  product: string;
  onEdit: (rule: Rule | "new") => void;
}

/** The rules: when each holds, who is told, and whether anybody ever tried. */
export function RuleList({ product, onEdit }: Props) {
  const query = useRules(product);
  const acts = useAlertActs(product);
  const [, change] = useUrlState();
  const [leaving, setLeaving] = useState<Rule | null>(null);
  const [all, setAll] = useState<{ rule: Rule; action: "acknowledge" | "resolve" } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const attempt = async (work: Promise<void>, done: string) => {
    setError(null);
    try {
      await work;
      say(done);
    } catch (caught) {
      setError(caught);
    }
  };
  const toggle = (rule: Rule) => {
    const draft = draftOf(fieldsOf(rule, (query.data?.metrics ?? []).map((one) => one.name), "UTC"), !rule.enabled);
    return attempt(acts.save(rule.id, draft), rule.enabled ? "The rule is off" : "The rule is on");
  };
  const columns: Column<Rule>[] = [
    {
      key: "name", title: "Rule",
      cell: (one) => (
        <div className="stack tight">
          <span className="row"><Button kind="plain" small onClick={() => onEdit(one)}>{one.name}</Button>{!one.enabled && <Chip>off</Chip>}</span>
          <span className="quiet">{one.text}{scopeOf(one)}</span>
        </div>
      ),
    },
    { key: "live", title: "Fires for", num: true, cell: (one) => one.live === 0 ? "0" : <Button kind="plain" small onClick={() => change({ rule: one.id, state: null })}>{one.live.toLocaleString()}</Button> },
    { key: "told", title: "Who is told?", minor: true, cell: (one) => <span className="wrap-any">{toldOf(one)}</span> },
    { key: "severity", title: "Severity", minor: true, cell: (one) => one.severity },
    { key: "tested", title: "Last tested", minor: true, cell: (one) => <TimeAgo at={one.tested_at} /> },
    {
      key: "act", title: "",
      cell: (one) => (
        <Menu label={`Actions for ${one.name}`} items={[
          { label: "Edit", act: () => onEdit(one) },
          { label: "Send a test", act: () => void attempt(acts.test(one.id), `A test goes to ${toldOf(one)}`) },
          { label: one.enabled ? "Turn off" : "Turn on", act: () => void toggle(one) },
          one.live > 0 && { label: "Acknowledge all", act: () => setAll({ rule: one, action: "acknowledge" }) },
          one.live > 0 && { label: "Resolve all", act: () => setAll({ rule: one, action: "resolve" }) },
          { label: "Delete", danger: true, act: () => setLeaving(one) },
        ]} />
      ),
    },
  ];
  return (
    <Card title="Who is told of what?">
      {error !== null && <ErrorNote error={error} />}
      <Loaded query={query} rows={3}>
        {({ rules }) => rules.length === 0 ? (
          <div className="stack">
            <p className="quiet">There is no rule yet, so nobody is told when devices fall silent, batteries run empty or integrations fail. A rule says when somebody must know, and who.</p>
            <div className="row"><Button onClick={() => onEdit("new")}>Write the first rule</Button></div>
          </div>
        ) : <Table label="Rules" columns={columns} rows={rules} rowKey={(one) => one.id} />}
      </Loaded>
      {all && <ActDialog product={product} rule={all.rule} action={all.action} onClose={() => setAll(null)} />}
      {leaving && (
        <ConfirmDialog open onClose={() => setLeaving(null)} title={`Delete ${leaving.name}?`} verb="Delete the rule" act={async () => {
          await acts.remove(leaving.id);
          say("The rule was deleted");
        }}>
          <p>{leaving.live > 0 ? `${leaving.live.toLocaleString()} alerts end by it, and nobody` : "Nobody"} is told of this any more. Past alerts stay in the history.</p>
        </ConfirmDialog>
      )}
    </Card>
  );
}

function scopeOf(rule: Rule): string {
  const { groups = [], firmware_version } = rule.scope;
  return (groups.length > 0 ? `, in ${groups.join(", ")}` : "") + (firmware_version === null || firmware_version === undefined ? "" : `, version ${firmware_version}`);
}
