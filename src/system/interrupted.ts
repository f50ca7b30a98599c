/** Resolves at the first SIGINT or SIGTERM; the second ends the process at once. */
export function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    const stop = () => {
      if (++count > 1) process.exit(130);
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}
