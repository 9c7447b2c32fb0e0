# sqlite.sed: what is changed of SQLite's amalgamation that no option changes. tools/thirdparty.mk counts the lines.

# The index of the log is each process's own (store/sqlite.c): 32 KiB are cleared, filled in and copied where 4 are enough for 478
# frames, and a process of one request touches 15 pages for that.
s/^\(#define HASHTABLE_NPAGE  *\)4096 /\1512 /

# No SQL function is registered (store/sqlite_absent.c), so none is ever found. That leaves out what calls one, window functions
# and aggregates among it: a SELECT that groups its rows is refused.
s/ = sqlite3FindFunction(.*, 0);$/ = 0;/
s/^  if( sqlite3WindowRewrite(pParse, p) ){/  if( 0 ){/
s/^    Window \*pWin = p->pWin;  .*/    Window *pWin = 0;/
s/^  if( !isAgg && pGroupBy==0 ){/  if( isAgg || pGroupBy ){ sqlite3ErrorMsg(pParse, "no GROUP BY"); goto select_end; }\n  if( 1 ){/

# Each optimization of the planner can be switched off (SQLITE_TESTCTRL_OPTIMIZATIONS) and changes no result. These stay;
# the others are for joins, for views, and for subqueries that no statement of ours has.
s/^\(#define OptimizationDisabled(db, mask)\) .*/#define OPTIMIZATIONS (SQLITE_FactorOutConst|SQLITE_CoverIdxScan|SQLITE_OrderByIdxJoin|SQLITE_OmitOrderBy|SQLITE_Coroutines|SQLITE_OnePass)\n\1 (((mask)\&~OPTIMIZATIONS)!=0)/
s/^\(#define OptimizationEnabled(db, mask)\) .*/\1 (((mask)\&~OPTIMIZATIONS)==0)/
