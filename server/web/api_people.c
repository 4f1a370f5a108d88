/* api_people: who am I, joining, signing in and out, the first administrator, workshops. Rules are domain/people's; here bodies become calls. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/live.h"
#include "domain/people.h"
#include "web/api.h"
#include "web/auth.h"
#include "web/house.h"
#include "web/people_web.h"

static bool me(struct req *req, struct reply *out, struct err *err) {
  struct db_read *read = req_read_again(req, err);
  return read && (out->json = people_me(req->house->people, read, &req->viewer, req->csrf, req->arena));
}

static bool put_me(struct req *req, struct reply *out, struct err *err) {
  enum lang lang;
  if (!lang_parse(tree_text(req->body, "language"), &lang)) return err_set(err, ERR_INVALID, "people.language", NULL);
  if (!web_language(req, lang, out, err)) return false;
  return me(req, out, err);
}

/* The answer to every kind of sign-in. */
static void signed_in(struct req *req, const struct login *login, const char *return_key, struct reply *out) {
  struct tree *root = tree_new(req->arena, TREE_MAP), *person = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, person, "id", login->viewer.person);
  tree_put_text(req->arena, person, "name", login->viewer.name);
  tree_put_text(req->arena, person, "role", role_name(login->viewer.role));
  tree_put(req->arena, root, "person", person);
  tree_put_text(req->arena, root, "csrf", login->csrf);
  if (return_key) tree_put_text(req->arena, root, "return_key", return_key);
  out->json = root;
  out->status = 201;
  out->set_cookie[0] = auth_cookie(req, login);
}

static bool post_join(struct req *req, struct reply *out, struct err *err) {
  const struct tree *body = req->body;
  struct web_join join = {.code = tree_text(body, "code"), .name = tree_text(body, "name"), .language = tree_text(body, "language"), .return_key = tree_text(body, "return_key")};
  struct login login;
  char key[32];
  if (!web_join(req, &join, &login, key, err)) return false;
  signed_in(req, &login, *key ? key : NULL, out);
  return true;
}

static bool post_login(struct req *req, struct reply *out, struct err *err) {
  struct login login;
  if (!people_sign_in(req->house->people, tree_text(req->body, "name"), tree_text(req->body, "password"), req->address, req->viewer.lang, &login, err)) return false;
  signed_in(req, &login, NULL, out);
  return true;
}

static bool delete_login(struct req *req, struct reply *out, struct err *err) {
  if (!people_sign_out(req->house->people, &req->viewer, err)) return false;
  live_drop_login(req->house->live, req->viewer.login);
  out->set_cookie[0] = auth_cookie_gone(req);
  return true;
}

static bool post_setup(struct req *req, struct reply *out, struct err *err) {
  struct login login;
  if (!people_setup(req->house->people, tree_text(req->body, "key"), tree_text(req->body, "name"), tree_text(req->body, "password"), req->address, req->viewer.lang, &login, err))
    return false;
  signed_in(req, &login, NULL, out);
  return true;
}

static bool get_workshops(struct req *req, struct reply *out, struct err *err) {
  struct db_read *read = req_read(req, err);
  if (!read) return false;
  out->json = tree_new(req->arena, TREE_MAP);
  tree_put(req->arena, out->json, "workshops", people_workshops(req->house->people, read, &req->viewer, req->arena));
  return true;
}

static bool post_workshop(struct req *req, struct reply *out, struct err *err) {
  char id[ID_SIZE], code[16];
  const char *name = tree_text(req->body, "name");
  if (!people_workshop(req->house->people, &req->viewer, name, (int)tree_int(req->body, "hours", WEB_WORKSHOP_HOURS), id, code, err)) return false;
  struct db_read *read = req_read_again(req, err);
  if (!read) return false;
  const struct tree *list = people_workshops(req->house->people, read, &req->viewer, req->arena);
  struct tree *root = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, root, "id", id);
  tree_put_text(req->arena, root, "name", name);
  tree_put_text(req->arena, root, "code", code);
  tree_put_text(req->arena, root, "link", web_join_link(req, code));
  TREE_EACH(row, list) if (!strcmp(tree_text_or(row, "id", ""), id)) tree_put_int(req->arena, root, "until_ms", tree_int(row, "until_ms", 0));
  out->json = root;
  out->status = 201;
  return true;
}

static bool delete_workshop(struct req *req, struct reply *out, struct err *err) {
  (void)out;
  return people_close_workshop(req->house->people, &req->viewer, req->param[0], err);
}

static const struct field me_out[] = {{"person", "map?", "{id, name, role}, or null"}, {"language", "text", "en, ms"}, {"csrf", "text", "for X-Makmal-Token; empty when not signed in"},
  {"workshop", "map?", "{id, name}, or null"}, {"setup_needed", "bool", "there is no administrator yet"}, {0}};
static const struct field me_in[] = {{"language", "text", "en, ms"}, {0}};
static const struct field join_in[] = {{"code", "text?", "of an open workshop"}, {"name", "text?", "as the instructor sees it"}, {"language", "text?", "en, ms"},
  {"return_key", "text?", "instead of code and name: who has been here before"}, {0}};
static const struct field signed_out[] = {{"person", "map", "{id, name, role}"}, {"csrf", "text", ""}, {"return_key", "text?", "told once, after a join"}, {0}};
static const struct field login_in[] = {{"name", "text", ""}, {"password", "text", ""}, {0}};
static const struct field setup_in[] = {{"key", "text", "of the one-time link"}, {"name", "text", ""}, {"password", "text", "10 characters or more"}, {0}};
static const struct field workshops_out[] = {{"workshops", "list", "{id, name, code, opened_ms, until_ms, people}"}, {0}};
static const struct field workshop_in[] = {{"name", "text", ""}, {"hours", "int?", "how long the door is open; 12"}, {0}};
static const struct field workshop_out[] = {{"id", "id", ""}, {"name", "text", ""}, {"code", "text", "to type"}, {"link", "text", "to open"}, {"until_ms", "int", ""}, {0}};

const struct route api_people_routes[] = {
  {GET, "/api/v1/me", NEED_ANYONE, 0, NULL, me_out, me, "Who is signed in"},
  {PUT, "/api/v1/me", NEED_ANYONE, BODY_JSON | BODY_SMALL, me_in, me_out, put_me, "Another language"},
  {POST, "/api/v1/joins", NEED_ANYONE, BODY_JSON | BODY_SMALL | NO_ORIGIN_TOKEN, join_in, signed_out, post_join, "Join a workshop, or come back with a return key"},
  {POST, "/api/v1/logins", NEED_ANYONE, BODY_JSON | BODY_SMALL | NO_ORIGIN_TOKEN, login_in, signed_out, post_login, "Sign in with name and password"},
  {DELETE, "/api/v1/logins/current", NEED_LEARNER, 0, NULL, NULL, delete_login, "Sign out; ends this login's streams"},
  {POST, "/api/v1/setups", NEED_ANYONE, BODY_JSON | BODY_SMALL | NO_ORIGIN_TOKEN, setup_in, signed_out, post_setup, "The first administrator, by the one-time link"},
  {GET, "/api/v1/workshops", NEED_INSTRUCTOR, 0, NULL, workshops_out, get_workshops, "Own workshops; an administrator's: all"},
  {POST, "/api/v1/workshops", NEED_INSTRUCTOR, BODY_JSON | BODY_SMALL, workshop_in, workshop_out, post_workshop, "Open a workshop"},
  {DELETE, "/api/v1/workshops/{workshop}", NEED_INSTRUCTOR, 0, NULL, NULL, delete_workshop, "Close a workshop: nobody can join any more"},
  {0}};
