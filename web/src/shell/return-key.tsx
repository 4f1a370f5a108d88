// return-key: after joining, the key with which the same person comes back on any computer. Shown once: copied, printed, or written down.
import { t } from "../lib/i18n";
import { closeDialog, openDialog } from "../ui/dialog";
import { CopyButton } from "../ui/parts";

export function showReturnKey(key: string, next: () => void): void {
  openDialog(t("join.key-title"), () => (
    <>
      <p>{t("join.key-about")}</p>
      <p><code class="code">{key}</code> <CopyButton text={key} /></p>
      <div class="actions">
        <button type="button" class="primary" autofocus onClick={closeDialog}>{t("join.go-on")}</button>
        <button type="button" onClick={() => print()}>{t("join.print")}</button>
      </div>
    </>
  ), { closed: next });
}
