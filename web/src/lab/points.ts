// points: exact fractions as text ("7/2"), made numbers only to be shown.
import { numberText } from "../lib/i18n";

export const number = (text: string | number | undefined) => {
  const [top, bottom = 1] = String(text ?? 0).split("/").map(Number);
  return Number.isFinite(top! / bottom) ? Math.round((top! / bottom) * 100) / 100 : 0;
};
export const points = (text: string | number | undefined) => numberText(number(text));
