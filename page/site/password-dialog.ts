/** Asks for a lobby's password. */
import { find, setText } from "./element.ts";
import { sentenceFor } from "./sentences.ts";

/** The password, or null if the player does not want to join any more. */
export async function askPassword(isWrong: boolean): Promise<string | null> {
  const dialog = find("password-dialog", HTMLDialogElement);
  const form = find("password-form", HTMLFormElement);
  const input = find("password", HTMLInputElement);
  const cancel = find("password-cancel", HTMLButtonElement);
  setText(find("password-problem", HTMLElement), sentenceFor(isWrong ? "wrong_password" : "password_needed"));
  input.value = "";
  dialog.showModal();
  input.focus();
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const over = new AbortController();
  const { signal } = over;
  form.addEventListener(
    "submit",
    (event) => {
      event.preventDefault();
      if (input.value !== "") resolve(input.value);
    },
    { signal },
  );
  cancel.addEventListener("click", () => resolve(null), { signal });
  // By the Escape key.
  dialog.addEventListener("close", () => resolve(null), { signal });
  const password = await promise;
  over.abort();
  dialog.close();
  return password;
}
