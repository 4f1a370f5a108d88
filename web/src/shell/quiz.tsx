// quiz: one question as a form. Answers stand in an order drawn per learner; a wrong choice shows why it tempts. The list that C wrote is read, and replaced.
import { render } from "preact";
import { useId, useMemo, useState } from "preact/hooks";
import { answerQuiz, ApiError, viewer } from "../lib/api";
import { t } from "../lib/i18n";
import { shuffled } from "../lib/shuffle";
import { Button, Note, say } from "../ui/parts";

export function mount(element: HTMLElement): void {
  const { module, item } = JSON.parse(element.dataset.props ?? "{}") as { module: string; item: string };
  const question = element.querySelector(".quiz-text"), title = element.querySelector(".quiz-title");
  const answers = [...element.querySelectorAll<HTMLElement>(".quiz-answers > li")].map((answer, index) => ({ html: answer.innerHTML, send: Number(answer.dataset.answer ?? index) })).sort((a, b) => a.send - b.send);
  if (!module || !item || !question || answers.length < 2) return;
  const html = question.innerHTML, box = document.createElement("div");
  element.replaceChildren(...(title ? [title] : []), box);
  render(<Quiz module={module} item={item} question={html} answers={answers} />, box);
}

function Quiz(props: { module: string; item: string; question: string; answers: { html: string; send: number }[] }) {
  const order = useMemo(() => shuffled(props.answers.length, `${viewer?.id ?? ""}/${props.module}/${props.item}`), []);
  const [picked, setPicked] = useState(-1), [busy, setBusy] = useState(false), [result, setResult] = useState<{ right: boolean; text: string; tone: "pass" | "fail" | "warn" } | null>(null);
  const name = useId();
  const send = async () => {
    setBusy(true);
    try {
      const answer = await answerQuiz(props.module, props.item, props.answers[picked]!.send);
      const text = answer.right ? t("quiz.right") : answer.betrays_text || t("quiz.not-this");
      setResult({ right: answer.right, text, tone: answer.right ? "pass" : "fail" });
      say(`${answer.right ? t("quiz.right-word") : t("quiz.not-word")}. ${text}`);
    } catch (error) {
      setResult({ right: false, text: error instanceof ApiError ? error.message : String(error), tone: "warn" });
    }
    setBusy(false);
  };
  // the HTML comes from the page itself, where the server wrote it from course text
  return (
    <form onSubmit={event => { event.preventDefault(); if (picked >= 0 && !busy) void send(); }}>
      <fieldset>
        <legend class="quiz-text" dangerouslySetInnerHTML={{ __html: props.question }} />
        <div class="quiz-answers">
          {order.map(index => (
            <label key={index}>
              <input type="radio" name={name} checked={picked === index} onChange={() => { setPicked(index); setResult(null); }} />
              <span dangerouslySetInnerHTML={{ __html: props.answers[index]!.html }} />
            </label>
          ))}
        </div>
      </fieldset>
      <Button type="submit" busy={busy} why={picked < 0 && t("quiz.pick-first")}>{t("quiz.answer")}</Button>
      <div class="quiz-result">{result && <Note tone={result.tone}><strong>{result.tone === "warn" ? t("quiz.not-graded") : result.right ? t("quiz.right-word") : t("quiz.not-word")}</strong>{" · "}{result.text}</Note>}</div>
    </form>
  );
}
