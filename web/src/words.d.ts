// The chunks that build.mjs makes of words/*.json.
declare module "words:*" {
  const words: Record<string, string | { one: string; other: string }>;
  export default words;
}
