// hash: a short mark of a text, to see whether two are the same. FNV-1a over UTF-16 units, 53 bits kept; SubtleCrypto is missing on plain HTTP. Not for secrets.
export function mark(text: string): string {
  let a = 0x811c9dc5, b = 0x1b873593;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b) + index;
  }
  return `${(a >>> 0).toString(36)}-${(b >>> 0).toString(36)}-${text.length.toString(36)}`;
}
export const filesMark = (files: { name: string; text: string }[]) => mark(files.map(file => `${file.name}\0${file.text}`).join("\0\0"));
