/*
 * token: POST /token (RFC 6749, 3.2), its grants and its answer; POST /revoke (RFC 7009).
 */
#ifndef TOKEN_H
#define TOKEN_H

#include "route.h"

enum error token_handle(struct call *c);
/* POST /device_authorization (RFC 8628, 3.1). */
enum error token_handle_device(struct call *c);
enum error token_handle_revoke(struct call *c);

#endif
