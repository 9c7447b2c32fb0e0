/*
 * sqlite_absent: what SQLite's parser calls of features that are left out. See sqlite_absent.h.
 *
 * SQLite is compiled without ALTER TABLE, ATTACH, VACUUM, ANALYZE, REINDEX, virtual tables and SQL
 * functions (tools/thirdparty.mk). A parser that doesn't know them would have to be generated; the one
 * of the amalgamation still calls the functions below.
 *
 * A statement of ours that needs one of them is a mistake of ours, and ends the program in the first
 * test that runs it. CREATE VIRTUAL TABLE is different: SQLite also parses it where somebody put such
 * a table into the file. That table is then not seen, as if it weren't there.
 */
#include "store/sqlite_absent.h"

#include <sqlite3.h>
#include <stdlib.h>

void sqlite_absent(void)
{
}

/* SQLite's name for it, after the macro in tools/thirdparty.mk: it registers no SQL function. */
void sqlite_absent_functions_(void);
void sqlite_absent_functions_(void)
{
}

/* Whether `name` names database `i` of a connection; with one file in a connection it is "main". */
int sqlite3DbIsNamed(sqlite3 *db, int i, const char *name);
int sqlite3DbIsNamed(sqlite3 *db, int i, const char *name)
{
	return sqlite3_stricmp(sqlite3_db_name(db, i), name) == 0;
}

/* The arguments don't matter to any of them, nor does it matter to the caller that they are taken for none. */
#define UNSEEN(name) void name(void); void name(void) { }
UNSEEN(sqlite3VtabBeginParse)
UNSEEN(sqlite3VtabFinishParse)
UNSEEN(sqlite3VtabArgInit)
UNSEEN(sqlite3VtabArgExtend)

#define NEVER(name) _Noreturn void name(void); _Noreturn void name(void) { abort(); }
NEVER(sqlite3AlterAddConstraint)
NEVER(sqlite3AlterBeginAddColumn)
NEVER(sqlite3AlterDropColumn)
NEVER(sqlite3AlterDropConstraint)
NEVER(sqlite3AlterFinishAddColumn)
NEVER(sqlite3AlterRenameColumn)
NEVER(sqlite3AlterRenameTable)
NEVER(sqlite3AlterSetNotNull)
NEVER(sqlite3Analyze)
NEVER(sqlite3Attach)
NEVER(sqlite3Detach)
NEVER(sqlite3Reindex)
NEVER(sqlite3Vacuum)
NEVER(sqlite3RenameTokenRemap) /* of ALTER TABLE, where the compiler leaves dead code in */
