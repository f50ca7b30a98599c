import { effect } from "@preact/signals";
import { render } from "preact";
import { begin, theme } from "./store.js";
import { App } from "./views/app.js";

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});
render(<App />, document.getElementById("app") as HTMLElement);
void begin();
