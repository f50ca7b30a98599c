import { effect, signal } from "@preact/signals";

/** A signal that is remembered in this browser. */
export function remembered<T>(name: string, initial: T) {
  const key = `grasp-grounding.${name}`;
  let value = initial;
  try {
    const text = localStorage.getItem(key);
    if (text !== null) value = JSON.parse(text) as T;
  } catch {
    // Nothing is remembered where storage is forbidden.
  }
  const stored = signal<T>(value);
  effect(() => {
    try {
      if (stored.value === undefined) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify(stored.value));
    } catch {
      // As above.
    }
  });
  return stored;
}
