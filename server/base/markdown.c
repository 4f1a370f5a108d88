/* markdown: course text to HTML by libcmark-gfm, in safe mode. The walk collects headings and lets the caller replace fences and lone images. */
#include "base/markdown.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define TEXT_CAP (256u * 1024u)
#define HTML_CAP (4u * 1024u * 1024u)
#define HEADINGS_MAX 256

bool markdown_init(void) {
  cmark_gfm_core_extensions_ensure_registered();
  return cmark_find_syntax_extension("table") != NULL;
}

static void free_parser(void *parser) { cmark_parser_free(parser); }
static void free_node(void *node) { cmark_node_free(node); }

/* Plain text of a node's inlines. */
static void inline_text(cmark_node *node, struct buf *out) {
  cmark_iter *iter = cmark_iter_new(node);
  for (cmark_event_type event; (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE;) {
    cmark_node *at = cmark_iter_get_node(iter);
    cmark_node_type type = cmark_node_get_type(at);
    if (event == CMARK_EVENT_ENTER && (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE)) buf_str(out, cmark_node_get_literal(at));
    else if (event == CMARK_EVENT_ENTER && type == CMARK_NODE_SOFTBREAK) buf_char(out, ' ');
  }
  cmark_iter_free(iter);
}

static char *slug(struct arena *arena, const char *text) {
  char *id = arena_str(arena, text), *to = id;
  for (const char *s = text; *s; s++) {
    if (isalnum((unsigned char)*s)) *to++ = (char)tolower((unsigned char)*s);
    else if (to > id && to[-1] != '-') *to++ = '-';
  }
  while (to > id && to[-1] == '-') to--;
  *to = 0;
  return *id ? id : arena_str(arena, "part");
}

/* Puts HTML of ours in the place of a node: a custom block's text is printed as it is, in safe mode too. */
static void replace(cmark_node *node, const char *html) {
  cmark_node *custom = cmark_node_new(CMARK_NODE_CUSTOM_BLOCK);
  cmark_node_set_on_enter(custom, html);
  cmark_node_replace(node, custom);
  cmark_node_free(node);
}

struct walk { struct arena *arena; const struct markdown_hooks *hooks; struct markdown_heading *headings; size_t count; };

static void heading(struct walk *walk, cmark_node *node) {
  if (walk->count == HEADINGS_MAX) return;
  struct buf text;
  buf_init(&text, 1024);
  inline_text(node, &text);
  struct markdown_heading *h = &walk->headings[walk->count];
  h->level = cmark_node_get_heading_level(node);
  h->text = arena_strn(walk->arena, text.data, text.len);
  buf_release(&text);
  const char *id = walk->hooks && walk->hooks->heading_id ? walk->hooks->heading_id(walk->hooks->ctx, (int)walk->count) : NULL;
  h->id = id ? arena_str(walk->arena, id) : slug(walk->arena, h->text);
  for (size_t i = 0; i < walk->count && !id; i++)
    if (!strcmp(walk->headings[i].id, h->id)) h->id = arena_printf(walk->arena, "%s-%zu", h->id, walk->count);
  walk->count++;
  struct buf html;
  buf_init(&html, HTML_CAP);
  buf_printf(&html, "<h%d id=\"", h->level);
  buf_html(&html, h->id);
  buf_str(&html, "\">");
  buf_html(&html, h->text);
  buf_printf(&html, "</h%d>\n", h->level);
  replace(node, html.data);
  buf_release(&html);
}

static void visit(struct walk *walk, cmark_node *node) {
  const struct markdown_hooks *hooks = walk->hooks;
  switch (cmark_node_get_type(node)) {
    case CMARK_NODE_HEADING: heading(walk, node); return;
    case CMARK_NODE_CODE_BLOCK: {
      if (!hooks || !hooks->fence) return;
      struct buf html;
      buf_init(&html, HTML_CAP);
      if (hooks->fence(hooks->ctx, cmark_node_get_fence_info(node), cmark_node_get_literal(node), &html)) replace(node, html.data);
      buf_release(&html);
      return;
    }
    case CMARK_NODE_PARAGRAPH: {
      cmark_node *image = cmark_node_first_child(node);
      if (!hooks || !hooks->image || !image || cmark_node_next(image) || cmark_node_get_type(image) != CMARK_NODE_IMAGE) return;
      struct buf html, alt;
      buf_init(&html, HTML_CAP);
      buf_init(&alt, 4096);
      inline_text(image, &alt);
      if (hooks->image(hooks->ctx, cmark_node_get_url(image), alt.data, &html)) replace(node, html.data);
      buf_release(&alt);
      buf_release(&html);
      return;
    }
    default: return;
  }
}

static void walk_blocks(struct walk *walk, cmark_node *parent) {
  for (cmark_node *node = cmark_node_first_child(parent), *next; node; node = next) {
    next = cmark_node_next(node);
    cmark_node_type type = cmark_node_get_type(node);
    if (type == CMARK_NODE_LIST || type == CMARK_NODE_ITEM || type == CMARK_NODE_BLOCK_QUOTE) walk_blocks(walk, node);
    else visit(walk, node);
  }
}

bool markdown_html(struct arena *arena, const char *text, size_t length, const struct markdown_hooks *hooks, struct buf *out,
                   struct markdown_heading **out_headings, size_t *out_heading_count, struct err *err) {
  if (length > TEXT_CAP) {
    err_set(err, ERR_LIMIT, "markdown.large", "%zu bytes of Markdown", length);
    return err_param(err, "limit", "%u", TEXT_CAP);
  }
  int options = CMARK_OPT_VALIDATE_UTF8 | CMARK_OPT_FULL_INFO_STRING | CMARK_OPT_FOOTNOTES;
  cmark_parser *parser = cmark_parser_new(options);
  arena_on_free(arena, free_parser, parser);
  cmark_parser_attach_syntax_extension(parser, cmark_find_syntax_extension("table"));
  cmark_parser_feed(parser, text, length);
  cmark_node *document = cmark_parser_finish(parser);
  arena_on_free(arena, free_node, document);
  struct walk walk = {.arena = arena, .hooks = hooks, .headings = arena_alloc(arena, HEADINGS_MAX * sizeof(struct markdown_heading))};
  walk_blocks(&walk, document);
  char *html = cmark_render_html(document, options, cmark_parser_get_syntax_extensions(parser));
  buf_str(out, html);
  free(html);
  if (out_headings) *out_headings = walk.headings;
  if (out_heading_count) *out_heading_count = walk.count;
  return true;
}
