import { useState } from "preact/hooks";
import { needsToken, signIn } from "../store.js";

export function SignIn() {
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const token = String(form.get("token") ?? "");
    setProblem(await signIn(token || undefined, String(form.get("name") ?? "") || undefined));
  };
  return (
    <main class="sign-in">
      <form onSubmit={(event) => void submit(event)}>
        <h1>grasp-grounding console</h1>
        {needsToken.value && (
          <label>
            Token
            <input name="token" type="password" autocomplete="current-password" required autofocus />
          </label>
        )}
        <label>
          Your name, for the others
          <input name="name" autocomplete="nickname" maxLength={60} />
        </label>
        <button type="submit" class="primary">
          Sign in
        </button>
        <p role="alert" class="notice bad">
          {problem}
        </p>
      </form>
    </main>
  );
}
