/** The address in the line with which `grasp-grounding console` and `node --console` say that they serve. */
export const consoleAddress = (output: string): string | undefined => /console: (http\S+)/.exec(output)?.[1];
