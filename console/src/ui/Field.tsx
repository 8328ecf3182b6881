import {
  type InputHTMLAttributes,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";

interface Common {
  label: string;
  help?: ReactNode;
  /** What is wrong with it, in words. */
  wrong?: string | undefined;
}

interface Parts extends Common {
  children: (ids: { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean | undefined }) => ReactNode;
}

function Frame({ label, help, wrong, children }: Parts) {
  const id = useId();
  const described = [help ? `${id}-help` : "", wrong ? `${id}-wrong` : ""].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": wrong ? true : undefined })}
      {help && <span className="help" id={`${id}-help`}>{help}</span>}
      {wrong && <span className="wrong" id={`${id}-wrong`} role="alert">{wrong}</span>}
    </div>
  );
}

type InputProps = Common & InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> };

/** One line of text, a number, a password. */
export function TextField({ label, help, wrong, ...rest }: InputProps) {
  return <Frame label={label} help={help} wrong={wrong}>{(ids) => <input className="input" {...ids} {...rest} />}</Frame>;
}

type AreaProps = Common & TextareaHTMLAttributes<HTMLTextAreaElement> & { ref?: Ref<HTMLTextAreaElement> };

/** Several lines of text. */
export function TextArea({ label, help, wrong, ...rest }: AreaProps) {
  return <Frame label={label} help={help} wrong={wrong}>{(ids) => <textarea className="input" {...ids} {...rest} />}</Frame>;
}

type SelectProps = Common & SelectHTMLAttributes<HTMLSelectElement> & { ref?: Ref<HTMLSelectElement> };

/** One of a few. */
export function SelectField({ label, help, wrong, children, ...rest }: SelectProps) {
  return (
    <Frame label={label} help={help} wrong={wrong}>
      {(ids) => <select className="input" {...ids} {...rest}>{children}</select>}
    </Frame>
  );
}

type CheckProps = { label: ReactNode; help?: ReactNode } & InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> };

/** Yes or no. */
export function CheckField({ label, help, ...rest }: CheckProps) {
  const id = useId();
  return (
    <div className="check">
      <input type="checkbox" id={id} aria-describedby={help ? `${id}-help` : undefined} {...rest} />
      <div>
        <label htmlFor={id}>{label}</label>
        {help && <div className="quiet" id={`${id}-help`}>{help}</div>}
      </div>
    </div>
  );
}
