import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";

/**
 * Descriptors that have to be free before a socket is made: it and its monitor take three, its connection one, and other
 * threads of the process may take some meanwhile.
 */
const margin = 16;

/**
 * Makes sure that a socket and its monitor can be made whole. A socket whose monitor was made and whose reader was not
 * must never come about: libzmq 4.3 tells the monitor of the end of its socket and waits until somebody reads that, in the
 * thread that closes all sockets. From then on none gives its descriptors back, and the process cannot end.
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
