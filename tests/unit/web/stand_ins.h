/* Weak stand-ins, so that the web floor links for tests that never reach these: the real ones win where the linker has them. */
#ifndef MAKMAL_TESTS_WEB_STAND_INS_H
#define MAKMAL_TESTS_WEB_STAND_INS_H
#include "base/tree.h"
#include "domain/cluster.h"
#include "web/page.h"
#define WEAK __attribute__((weak))
WEAK void cluster_status(struct cluster *cluster, struct cluster_status *out) { (void)cluster; *out = (struct cluster_status){0}; }
WEAK struct tree *cluster_json(struct cluster *cluster, struct arena *arena) { (void)cluster; return tree_new(arena, TREE_MAP); }
#define PAGE_STAND_IN(name) WEAK bool name(struct req *req, struct page *page, struct err *err) { (void)req; (void)err; page->title = #name; return true; }
PAGE_STAND_IN(page_home)
PAGE_STAND_IN(page_module)
PAGE_STAND_IN(page_lab)
PAGE_STAND_IN(page_me)
#endif
