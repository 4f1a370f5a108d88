/* check_turn: two small memories and one queue. A script is remembered by the mean of its runs, newer ones counting more: thirty cheap runs at once do not make it
 * dear. A person is remembered by the sum, of which half is forgotten every HALF_MS: many small requests of one person do. */
#include "check/check_turn.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define HALF_MS 10000
#define NEWER 0.5

void turn_init(struct turn *turn, int seats) { *turn = (struct turn){.seats = seats}; }

/* FNV-1a; 0 is nobody. */
static uint64_t key_of(const char *text) {
  uint64_t key = 14695981039346656037u;
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) key = (key ^ *c) * 1099511628211u;
  return key ? key : 1;
}

static const struct turn_memory *find(const struct turn_memory *memory, const char *text) {
  if (!text) return NULL;
  uint64_t key = key_of(text);
  for (size_t i = 0; i < TURN_KNOWN; i++) if (memory[i].key == key) return &memory[i];
  return NULL;
}

static double faded(const struct turn_memory *memory, int64_t now_ms) {
  int64_t past = now_ms - memory->seen_ms;
  return past <= 0 ? memory->held_ms : memory->held_ms * exp2(-(double)past / HALF_MS);
}

bool turn_dear(const struct turn *turn, const struct turn_who *who, int64_t now_ms) {
  const struct turn_memory *script = find(turn->script, who->script), *person = find(turn->person, who->person);
  return (script ? faded(script, now_ms) : 0) + (person ? faded(person, now_ms) : 0) >= TURN_DEAR_MS;
}

void turn_wait(struct turn *turn, struct turn_waiter *waiter, bool dear, int64_t now_ms) {
  struct turn_waiter **at = &turn->first;
  while (*at) at = &(*at)->next;
  *waiter = (struct turn_waiter){.dear = dear, .since_ms = now_ms};
  *at = waiter;
}

struct turn_waiter *turn_next(const struct turn *turn, int64_t now_ms) {
  struct turn_waiter *cheap = NULL, *dear = NULL;
  if (turn->busy >= turn->seats) return NULL;
  for (struct turn_waiter *waiter = turn->first; waiter; waiter = waiter->next) {
    if (waiter->dear && !dear) dear = waiter;
    if (!waiter->dear && !cheap) cheap = waiter;
  }
  if (turn->seats > 1 && turn->busy_dear >= turn->seats - 1) dear = NULL;
  if (dear && (!cheap || now_ms - dear->since_ms > TURN_PATIENCE_MS)) return dear;
  return cheap;
}

void turn_go(struct turn *turn, struct turn_waiter *waiter) {
  struct turn_waiter **at = &turn->first;
  while (*at != waiter) at = &(*at)->next;
  *at = waiter->next;
  turn->busy++;
  turn->busy_dear += waiter->dear;
}

/* The place of this one, or of the one longest unseen, emptied. */
static struct turn_memory *place_of(struct turn_memory *memory, const char *text) {
  uint64_t key = key_of(text);
  struct turn_memory *oldest = memory;
  for (size_t i = 0; i < TURN_KNOWN; i++) {
    if (memory[i].key == key) return &memory[i];
    if (memory[i].key == 0 || (oldest->key && memory[i].seen_ms < oldest->seen_ms)) oldest = &memory[i];
  }
  *oldest = (struct turn_memory){.key = key};
  return oldest;
}

void turn_done(struct turn *turn, const struct turn_who *who, bool dear, int64_t held_ms, int64_t now_ms) {
  turn->busy--;
  turn->busy_dear -= dear;
  if (who->script) {
    struct turn_memory *script = place_of(turn->script, who->script);
    bool new = script->seen_ms == 0;
    script->held_ms = new ? (double)held_ms : script->held_ms * (1 - NEWER) + (double)held_ms * NEWER;
    script->seen_ms = now_ms;
  }
  if (who->person) {
    struct turn_memory *person = place_of(turn->person, who->person);
    person->held_ms = faded(person, now_ms) + (double)held_ms;
    person->seen_ms = now_ms;
  }
}
