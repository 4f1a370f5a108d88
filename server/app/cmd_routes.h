/* cmd_routes: `makmal --routes[=text|md|ts]`: the route table as text, as server/web/API.md, as web/src/lib/routes.ts; and `makmal --version`. */
#ifndef MAKMAL_APP_CMD_ROUTES_H
#define MAKMAL_APP_CMD_ROUTES_H
int cmd_routes(const char *form);
int cmd_version(void);
#endif
