/* page_kept: whole pages kept for readers who are not signed in: for them a page is the same bytes until the courses are read anew, the language or what
 * the cluster says of itself changes. So a page costs what its bytes cost. Any thread. */
#ifndef MAKMAL_WEB_PAGE_KEPT_H
#define MAKMAL_WEB_PAGE_KEPT_H
#include <stdbool.h>
struct req; struct reply; struct page_kept;
#define PAGE_KEPT_PAGES 128              /* at most so many … */
#define PAGE_KEPT_BYTES (64u * 1024u)    /* … of at most so many bytes; larger ones are made each time */
struct page_kept *page_kept_new(void);
void page_kept_free(struct page_kept *kept);
/* True: *out is filled; its bytes stand until the request's arena goes. False when there is nothing, or the reader is signed in. */
bool page_kept_find(struct req *req, struct reply *out);
/* Keeps an answer that page_reply has filled, if it is one for everybody. */
void page_kept_add(struct req *req, const struct reply *out);
#endif
