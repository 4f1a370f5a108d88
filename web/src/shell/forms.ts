// forms: join, return, sign-in, set-up, workshop. They work without this. With it a refusal keeps what was typed, is spoken, and the focus stays at the
// field; a return key is shown once, to copy or print. When the server cannot be reached the way it should, the form goes the plain way.
import { ApiError, join, openWorkshop, setToken, setUp, signIn, type SignedIn } from "../lib/api";
import { t } from "../lib/i18n";
import { showReturnKey } from "./return-key";

const posts: Record<string, (body: Record<string, string>) => Promise<unknown>> = {
  join: body => join({ code: body.code, name: body.name, language: body.language }),
  return: body => join({ return_key: body.return_key }),
  signin: body => signIn({ name: body.name, password: body.password }),
  setup: body => setUp({ key: body.key, name: body.name, password: body.password }),
  workshop: body => openWorkshop(body.hours ? { name: body.name, hours: Number(body.hours) } : { name: body.name }),
};

export function enhanceForms(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-form]")) {
    const kind = form.dataset.form ?? "", post = posts[kind];
    if (post) form.addEventListener("submit", event => { event.preventDefault(); void send(form, kind, post); });
  }
}

async function send(form: HTMLFormElement, kind: string, post: (body: Record<string, string>) => Promise<unknown>): Promise<void> {
  const button = form.querySelector<HTMLButtonElement>("button:not([type=button])");
  if (button?.getAttribute("aria-busy") === "true") return;
  button?.setAttribute("aria-busy", "true");
  const body = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
  const next = /^\/(?![/\\])/.test(body.next ?? "") ? body.next! : "/";
  try {
    const answer = await post(body);
    if (kind === "workshop") { location.assign("/workshops"); return; }
    const signed = answer as SignedIn;
    if (signed?.csrf) setToken(signed.csrf);
    if (signed?.return_key) showReturnKey(signed.return_key, () => location.assign(next));
    else location.assign(next);
  } catch (error) {
    if (error instanceof ApiError && error.status >= 400 && error.status < 500) refuse(form, kind, error);
    else if (error instanceof ApiError && error.status === 0) refuse(form, kind, error);
    else form.submit();
  } finally { button?.removeAttribute("aria-busy"); }
}

function refuse(form: HTMLFormElement, kind: string, error: ApiError): void {
  const fields: Record<string, string> = { join: "code", return: "return_key", signin: "password", setup: "name", workshop: "name" };
  const named = typeof error.params.field === "string" ? error.params.field : fields[kind];
  const field = named ? form.elements.namedItem(named) : null;
  let alert = form.querySelector<HTMLElement>(".alert");
  if (!alert) {
    alert = document.createElement("p");
    alert.className = "alert";
    alert.setAttribute("role", "alert");
    form.prepend(alert);
  }
  alert.hidden = false;
  alert.textContent = "";
  const wait = error.retryMs ? " " + t("form.wait", { count: Math.ceil(error.retryMs / 1000) }) : "";
  setTimeout(() => { alert.textContent = `✖ ${error.message}${wait}`; }, 30);
  for (const bad of form.querySelectorAll("[aria-invalid]")) bad.removeAttribute("aria-invalid");
  if (field instanceof HTMLInputElement) {
    alert.id ||= `alert-${kind}`;
    field.setAttribute("aria-invalid", "true");
    const said = (field.getAttribute("aria-describedby") ?? "").split(" ").filter(id => id && id !== alert.id);
    field.setAttribute("aria-describedby", [...said, alert.id].join(" "));
    field.focus();
  }
}
