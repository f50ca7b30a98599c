import { useSignal } from "@preact/signals";
import type { ParameterView } from "../../protocol.js";
import { act, inControl, say, state } from "../store.js";

/** The node's parameters: what can be set now can be set here, within the ranges the node declares. */
export function Parameters() {
  const filter = useSignal("");
  const all = state.value?.parameters ?? [];
  const wanted = filter.value.trim().toLowerCase();
  const shown = all.filter(({ name, description }) =>
    `${name} ${description}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      <input
        type="search"
        class="wide"
        aria-label="Filter parameters"
        placeholder="filter"
        value={filter.value}
        onInput={(event) => {
          filter.value = (event.target as HTMLInputElement).value;
        }}
      />
      <ul class="parameters">
        {shown.map((parameter) => (
          <One key={parameter.name} parameter={parameter} />
        ))}
      </ul>
    </>
  );
}

function One({ parameter }: { parameter: ParameterView }) {
  const { name, type, value, description, range, options, readOnly } = parameter;
  const disabled = readOnly || !inControl.value;
  const id = `parameter-${name}`;
  const set = async (next: boolean | number | string) => {
    if (next === value) return;
    const { done } = await act({ name: "parameter", parameter: name, value: next });
    if (done) say(`${name} is ${String(next)} now`);
  };
  const input = (event: Event) => event.currentTarget as HTMLInputElement;
  return (
    <li>
      <label for={id}>
        <code>{name}</code>
        {readOnly && <small>set at start</small>}
      </label>
      {type === "boolean" ? (
        <input
          id={id}
          type="checkbox"
          checked={value === true}
          disabled={disabled}
          onChange={(event) => void set(input(event).checked)}
        />
      ) : options !== undefined ? (
        <select
          id={id}
          value={String(value)}
          disabled={disabled}
          onChange={(event) => void set((event.currentTarget as HTMLSelectElement).value)}
        >
          {options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      ) : type === "string" ? (
        <input
          id={id}
          value={String(value)}
          disabled={disabled}
          onChange={(event) => void set(input(event).value)}
        />
      ) : (
        <input
          id={id}
          type="number"
          value={Number(value)}
          disabled={disabled}
          step={type === "integer" ? 1 : "any"}
          {...(range !== undefined && { min: range[0], max: range[1] })}
          onChange={(event) => {
            const number = input(event).valueAsNumber;
            if (Number.isFinite(number)) void set(number);
          }}
        />
      )}
      <p class="fine">{description}</p>
    </li>
  );
}
