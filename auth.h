/*
 * auth: the native dialect, which is the contract of docs/api.md. Its routes,
 * what each of them demands, its JSON and its cookies. What happens to a
 * session is session.h's business.
 */
#ifndef AUTH_H
#define AUTH_H

#include "route.h"

extern const struct dialect auth_dialect;

#endif
