/*
 * agent: see agent.h. A byte under 0x80 is itself, one from 0x80 on a piece of
 * the table, and 0xff says that the next byte is itself.
 *
 * The table is on disk: a piece is never changed, moved or taken out; new ones
 * go to its end. One that an older program doesn't know is left out there.
 */
#include "store/sqlite_agent.h"

#include <string.h>

enum { PIECE = 0x80, ITSELF = 0xff };

static const char *const pieces[] = {
	"Mozilla/5.0 (",
	"Windows NT 10.0; Win64; x64",
	"Macintosh; Intel Mac OS X 10_15_7",
	"Macintosh; Intel Mac OS X 10.15; rv:",
	"X11; Linux x86_64",
	"X11; Ubuntu; Linux x86_64; rv:",
	"X11; CrOS x86_64 14541.0.0",
	"Linux; Android 10; K",
	"Linux; Android ",
	"Android ",
	"iPhone; CPU iPhone OS ",
	"iPad; CPU OS ",
	" like Mac OS X",
	") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/",
	") AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/",
	") AppleWebKit/605.1.15 (KHTML, like Gecko) Version/",
	") AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
	") AppleWebKit/605.1.15 (KHTML, like Gecko) ",
	".0.0.0 Safari/537.36",
	".0.0.0 Mobile Safari/537.36",
	" Safari/537.36",
	" Mobile Safari/537.36",
	" Safari/605.1.15",
	" Safari/604.1",
	" Mobile/15E148",
	" Mobile/15E148 Safari/604.1",
	") Gecko/20100101 Firefox/",
	".0) Gecko/20100101 Firefox/",
	".0) Gecko/",
	" Firefox/",
	"; Mobile; rv:",
	"; rv:",
	"; wv",
	" Build/",
	".0.0.0",
	" Edg/",
	" EdgA/",
	" EdgiOS/",
	" OPR/",
	" SamsungBrowser/",
	" Vivaldi/",
	"CriOS/",
	"FxiOS/",
	" GSA/",
	"Dalvik/2.1.0 (Linux; U; Android ",
	"okhttp/",
	" CFNetwork/",
	" Darwin/",
	"; iOS ",
	"iPhone",
	"; Scale/",
	" Alamofire/",
	"Dart/",
	" (dart:io)",
	"Expo/",
	"ReactNative",
	" Electron/",
	" Tauri/",
	"curl/",
	"python-requests/",
	"; build:",
	"(com.",
	"Mobile",
	"Linux",
	"Windows",
	"Version/",
};
enum { PIECES = sizeof pieces / sizeof *pieces };
_Static_assert(PIECE + PIECES <= ITSELF, "each piece has a byte of its own");

/* The longest piece that text, which has some, begins with; PIECES: none. */
static size_t longest_piece(struct slice text)
{
	size_t best = PIECES, length = 0;
	for (size_t i = 0; i < PIECES; i++) {
		if (*pieces[i] != *text.p)
			continue;
		struct slice piece = slice_of(pieces[i]);
		if (piece.n > length && slice_starts(text, piece)) {
			best = i;
			length = piece.n;
		}
	}
	return best;
}

struct slice agent_pack(struct slice text)
{
	struct buf b = { text.n ? arena(2 * text.n) : NULL, 0, 2 * text.n };
	while (text.n) {
		size_t piece = longest_piece(text);
		if (piece < PIECES) {
			buf_c(&b, (char)(PIECE + piece));
			text = slice_from(text, strlen(pieces[piece]));
			continue;
		}
		if ((unsigned char)*text.p >= PIECE)
			buf_c(&b, (char)ITSELF);
		buf_c(&b, *text.p);
		text = slice_from(text, 1);
	}
	return buf_slice(&b);
}

/* What the next bytes of *packed, which has some, stand for; takes them away. */
static struct slice next_piece(struct slice *packed)
{
	size_t code = (unsigned char)*packed->p;
	struct slice itself = { packed->p, 1 };
	*packed = slice_from(*packed, 1);
	if (code < PIECE)
		return itself;
	if (code < ITSELF)
		return code - PIECE < PIECES ? slice_of(pieces[code - PIECE]) : SLICE_NONE;
	itself = (struct slice){ packed->p, packed->n ? 1 : 0 };
	*packed = slice_from(*packed, 1);
	return itself;
}

struct slice agent_unpack(struct slice packed)
{
	struct buf b = { packed.n ? arena(LIMIT_AGENT) : NULL, 0, LIMIT_AGENT };
	while (packed.n) {
		struct slice piece = next_piece(&packed);
		buf_add(&b, (struct slice){ piece.p, piece.n < b.room - b.n ? piece.n : b.room - b.n });
	}
	return buf_slice(&b);
}
