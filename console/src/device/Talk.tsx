import { useId, useState } from "react";
import { Button } from "../ui/Button";
import { Card } from "../ui/Page";
import { ErrorNote } from "../ui/States";
import { callFunction, type Device, type DevicePath, readVariable } from "./queries";
import { showValue } from "./values";

/** Calls the functions and reads the variables that the device offers. */
export function Talk({ device, at }: { device: Device; at: DevicePath }) {
  const variables = Object.entries(device.variables);
  return (
    <div className="cards">
      <Card title="Functions">
        {device.functions.length === 0 ? <p className="quiet">The device has registered no functions.</p> : (
          <ul className="stack">{device.functions.map((name) => <FunctionRow key={name} at={at} name={name} />)}</ul>
        )}
      </Card>
      <Card title="Variables">
        {variables.length === 0 ? <p className="quiet">The device has registered no variables.</p> : (
          <ul className="stack">{variables.map(([name, type]) => <VariableRow key={name} at={at} name={name} type={type} />)}</ul>
        )}
      </Card>
    </div>
  );
}

type Result = { text: string; took_ms: number } | null;

function useAsked() {
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<Result>(null);
  const [error, setError] = useState<unknown>(null);
  const askNow = async (asked: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    const began = performance.now();
    try {
      const value = await asked();
      setResult({ text: showValue(value), took_ms: performance.now() - began });
    } catch (caught) {
      setResult(null);
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return { busy, result, error, askNow };
}

function FunctionRow({ at, name }: { at: DevicePath; name: string }) {
  const [argument, setArgument] = useState("");
  const { busy, result, error, askNow } = useAsked();
  const id = useId();
  return (
    <li className="stack tight">
      <form className="row" onSubmit={(event) => {
        event.preventDefault();
        void askNow(() => callFunction(at, name, argument));
      }}>
        <label htmlFor={id} className="mono grow">{name}</label>
        <input id={id} className="input" style={{ width: 150 }} placeholder="argument" aria-label={`Argument of ${name}`} value={argument} onChange={(event) => setArgument(event.target.value)} />
        <Button needs="devices.function:call" type="submit" small busy={busy}>Call</Button>
      </form>
      <Told result={result} error={error} word="returned" />
    </li>
  );
}

function VariableRow({ at, name, type }: { at: DevicePath; name: string; type: string }) {
  const { busy, result, error, askNow } = useAsked();
  return (
    <li className="stack tight">
      <div className="row">
        <span className="mono grow">{name}</span>
        <span className="quiet">{type}</span>
        <Button needs="devices.variable:get" small busy={busy} aria-label={`Read ${name}`} onClick={() => void askNow(() => readVariable(at, name))}>Read</Button>
      </div>
      <Told result={result} error={error} word="is" />
    </li>
  );
}

function Told({ result, error, word }: { result: Result; error: unknown; word: string }) {
  return (
    <div role="status">
      {result && <span>{word} <code className="wrap-any">{result.text}</code> <span className="quiet">in {Math.round(result.took_ms)} ms</span></span>}
      {error !== null && <ErrorNote error={error} />}
    </div>
  );
}
