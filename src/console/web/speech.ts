/** Speech recognition where the browser offers it; undefined elsewhere. */

export interface Listening {
  stop(): void;
}

interface Recogniser {
  lang: string;
  interimResults: boolean;
  onresult: ((event: { results: ArrayLike<ArrayLike<{ transcript: string }>> }) => void) | null;
  onend: (() => void) | null;
  onerror: (() => void) | null;
  start(): void;
  stop(): void;
}

const scope = globalThis as unknown as Record<string, (new () => Recogniser) | undefined>;
const Recognition = scope.SpeechRecognition ?? scope.webkitSpeechRecognition;

/**
 * Listens until stopped; `heard` gets the words so far. Without permission, microphone or service it ends at once, and
 * typing goes on as before.
 */
export const speech =
  Recognition === undefined
    ? undefined
    : (heard: (words: string) => void, ended: () => void): Listening => {
        const recogniser = new Recognition();
        recogniser.lang = navigator.language;
        recogniser.interimResults = true;
        recogniser.onresult = ({ results }) =>
          heard(
            Array.from(results)
              .map((result) => result[0]?.transcript ?? "")
              .join(" "),
          );
        recogniser.onend = ended;
        recogniser.onerror = () => undefined;
        try {
          recogniser.start();
        } catch {
          ended();
        }
        return recogniser;
      };
