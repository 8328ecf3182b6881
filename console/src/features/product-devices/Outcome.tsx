import type { components } from "../../api/schema";
import { StatusMark, type Tone } from "../../ui/Marks";

const LISTS: [keyof components["schemas"]["ImportAnswer"], string, Tone][] = [
  ["updatedDeviceIds", "imported", "good"],
  ["existingDeviceIds", "in this product already", "idle"],
  ["limitedDeviceIds", "left out: the plan is full", "look"],
  ["nonmemberDeviceIds", "owned by somebody outside the team", "bad"],
  ["protectedDeviceIds", "protected devices of another owner", "bad"],
  ["invalidDeviceIds", "not possible", "bad"],
];

/** What became of each line of an import. */
export function Outcome({ result }: { result: components["schemas"]["ImportAnswer"] }) {
  const { total = 0, duplicate = 0, comment = 0 } = result.lines;
  return (
    <div className="stack" role="status">
      <p>{total.toLocaleString()} lines{duplicate > 0 && `, ${duplicate.toLocaleString()} of them twice`}{comment > 0 && `, ${comment.toLocaleString()} comments`}.</p>
      <ul className="stack tight">
        {LISTS.map(([list, words, tone]) => {
          const ids = result[list] as string[];
          if (ids.length === 0) return null;
          return (
            <li key={String(list)}>
              <StatusMark tone={tone}>{ids.length.toLocaleString()} {words}</StatusMark>
              {tone !== "good" && (
                <details>
                  <summary className="quiet">Which</summary>
                  <ul className="mono">{ids.slice(0, 200).map((id) => <li key={id}>{id} {list === "invalidDeviceIds" && <span className="quiet">{result.invalidReasons[id]}</span>}</li>)}</ul>
                </details>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
