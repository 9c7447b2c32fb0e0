/* door: the dialect of the pages for people: sign in, sign out (docs/door.md). */
#ifndef DOOR_H
#define DOOR_H

#include "route.h"

extern const struct dialect door_dialect;

#endif
