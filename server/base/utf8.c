/* utf8: see the header. */
#include "base/utf8.h"

size_t utf8_step(const char *text, size_t n) {
  const unsigned char *s = (const unsigned char *)text;
  if (s[0] < 0x80) return 1;
  size_t need = s[0] >= 0xF0 && s[0] <= 0xF4 ? 4 : s[0] >= 0xE0 && s[0] < 0xF0 ? 3 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2 : 0;
  if (!need || n < need) return 0;
  for (size_t i = 1; i < need; i++) if ((s[i] & 0xC0) != 0x80) return 0;
  if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F)) return 0;
  return need;
}

bool utf8_valid(const char *bytes, size_t length) {
  for (size_t i = 0, step; i < length; i += step) if (!(step = utf8_step(bytes + i, length - i))) return false;
  return true;
}
