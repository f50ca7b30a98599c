import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";

/**
 * Descriptors that must be free before a socket is made: the socket and its monitor take three, its connection one, and
 * other threads of the process may take some meanwhile.
 */
const margin = 16;

/**
 * Makes sure that a socket and its monitor can be made completely. A monitor without a reader blocks the process:
 * libzmq 4.3 reports the end of the socket to the monitor and waits for a reader in the thread that closes all sockets.
 * From then on no socket returns its descriptors, and the process cannot end.
 * @throws Error EMFILE or ENFILE where the process, or the machine, has fewer left
 */
export function checkDescriptorsLeft(): void {
  const taken: number[] = [];
  try {
    for (let i = 0; i < margin; i++) taken.push(openSync(devNull, "r"));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const problem = new Error(`fewer than ${margin} file descriptors are left (ulimit -n)`, { cause });
    throw Object.assign(problem, { code });
  } finally {
    for (const descriptor of taken) closeSync(descriptor);
  }
}
