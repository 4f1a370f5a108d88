// shuffle: an order of 0…count-1 that is always the same for the same text (FNV-1a, then xorshift). Not for secrets.
export function shuffled(count: number, seed: string): number[] {
  let state = 0x811c9dc5;
  for (const character of seed) state = Math.imul(state ^ character.codePointAt(0)!, 0x01000193) >>> 0;
  const next = () => { state ^= state << 13; state >>>= 0; state ^= state >>> 17; state ^= state << 5; state >>>= 0; return state; };
  state ||= 1;
  for (let warm = 0; warm < 8; warm++) next();
  const order = Array.from({ length: count }, (_, index) => index);
  for (let index = count - 1; index > 0; index--) {
    const other = next() % (index + 1);
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  return order;
}
