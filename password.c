/*
 * password: see password.h for what each function promises.
 *
 * The only file that uses libsodium, and all that it uses of it is Argon2id.
 * libsodium's random source isn't linked (tools/thirdparty.mk): a salt comes
 * from random_bytes(), so hashing needs no file and no device in the sandbox.
 *
 * An Argon2id hash is read only in the spelling in which it is written here:
 *
 *     $argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH
 *
 * 32 bytes of hash, in base64 (RFC 4648, 4) without padding, numbers without
 * leading zeros. Ours have 16 bytes of salt and one lane, because a lane is a
 * thread, and a process has one; other programs' have up to 64 bytes and several
 * lanes, which are filled one after the other.
 */
#include "password.h"

#include <crypto_pwhash/argon2/argon2.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "crypt.h"

enum {
	SALT_MIN = 8,          /* RFC 9106, 3.1 */
	SALT_MAX = 64,
	HASH_SIZE = 32,
	LANES_MAX = 255,
	KIB_MAX = 1 << 20,     /* 1 GiB; its bytes must fit a 32-bit size_t */
	KIB_MIN = 8,           /* for each lane; RFC 9106, 3.1 */
	PASSES_MAX = 1000,     /* nobody waits that long for a sign-in */
	WORK_MAX = 4 << 20     /* KiB times passes of another program's hash: four seconds on a PC */
};

/* ---- which passwords are accepted -------------------------------------- */

/*
 * What attackers try first: passwords of 8 bytes and more that are at the top
 * of every published list of leaked passwords, and shorter ones with the endings
 * that people add. The list is searched from the beginning to the end, which
 * takes a microsecond, while a hash takes 30 ms.
 */
static const char common[] =
	"00000000 000000000 0000000000 01234567 012345678 0123456789 "
	"01020304 10203040 102030405060 11111111 111111111 1111111111 11112222 11223344 "
	"112233445566 12121212 12123434 123123123 123123123123 12312312 12341234 "
	"1234512345 12344321 1234554321 123454321 12345678 12345678a 12345678q 123456789 "
	"123456789a 123456789q 123456789z 1234567890 12345678910 1234567891 "
	"0987654321 123321123 123456123 123456123456 123456654321 12qwaszx 123qweasd "
	"123qwe123 123qweasdzxc 123abc123 123456abc 123456qwe 123456aa 12345qwert "
	"1234qwer 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 1qaz1qaz "
	"13131313 13579246 147258369 14725836 19841984 22222222 25802580 33333333 "
	"44444444 55555555 66666666 77777777 777777777 87654321 88888888 "
	"888888888 963852741 987654321 9876543210 98765432 99999999 999999999 9999999999 "
	"a1234567 a12345678 a123456789 a1b2c3d4 aa123456 aa12345678 aaaaaaaa aaaaaaaaaa "
	"abc12345 abc123456 abc123abc abcd1234 abcd12345 abcdefgh abcdefghi "
	"access14 admin123 admin1234 admin12345 admin123456 administrator adminadmin "
	"alexander alexandra amsterdam anthony1 asd123456 asdasdasd asdf1234 asdfasdf "
	"asdfghjk asdfghjkl asdfjkl; australia azerty123 azertyuiop barcelona baseball "
	"baseball1 basketball batman123 beautiful benjamin blink182 brooklyn butterfly "
	"caroline champion changeme changeme1 changeme123 changeit charlie1 charlotte "
	"chelsea1 chocolate christian christina christine christopher cocacola "
	"computer computer1 corvette creative danielle danielle1 december default1 dolphins "
	"drowssap dragon123 einstein elephant elizabeth fernando firebird football football1 "
	"football123 forever1 freedom1 friends1 friendship fuckyou1 fuckyou2 garfield gfhjkmgfhjkm "
	"goldfish guest123 hello123 hello1234 helloworld hollywood iloveyou iloveyou1 iloveyou2 "
	"iloveyou! internet isabella james007 jennifer jessica1 jonathan jordan23 "
	"justin123 kawasaki killer123 letmein1 letmein12 letmein123 letmein! liverpool "
	"liverpool1 login123 lovelove loveyou1 marlboro master123 masterkey maverick "
	"mercedes metallica michael1 michelle midnight mitchell monkey123 mustang1 mypassword "
	"nicholas nicole123 november p@55w0rd p@ssw0rd p@ssw0rd1 p@ssword pa$$w0rd "
	"pa55w0rd pa55word pakistan passw0rd passw0rd1 passw0rd! password password! "
	"password0 password01 password1 password1! password12 password12! password123 "
	"password123! password1234 password2 password21 password3 password7 password9 "
	"passwort passwort1 passwort123 paradise pokemon1 pokemon123 portugal postgres "
	"princesa princess princess1 q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 qazwsx123 "
	"qazwsxedc qazwsxedcrfv qwaszx123 qweasdzx qweasdzxc qwe123456 qwe12345 qwer1234 "
	"qwert123 qwert12345 qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty123456 qwertyui "
	"qwertyuiop qwertyuiop123 qwerty!@# raspberry rockstar root1234 rootroot samantha samsung1 "
	"scorpion secret123 september serenity sergeant shadow12 shadow123 silver123 slipknot "
	"snowball spiderman starwars starwars1 steelers stephanie strawberry summer2023 "
	"summer2024 summer2025 sunflower sunshine sunshine1 superman superman1 superstar "
	"test1234 test12345 testtest testing1 testing123 tottenham trustno1 undertaker "
	"valentina valentine veronica victoria volleyball welcome1 welcome12 welcome123 "
	"welcome1! welcome2 whatever whatever1 william1 winter2024 winter2025 wordpass xxxxxxxx "
	"yankees1 yourmom1 zaq12wsx zaq1zaq1 zxcvbnm1 zxcvbnm123 zxcvbnm, zzzzzzzz";

static bool is_common(struct slice password)
{
	struct slice rest = S(common);
	while (rest.p)
		if (slice_is_nocase(slice_cut(&rest, ' '), password))
			return true;
	return false;
}

/* No browser's field sends one: it is the end of a line that a program forgot to cut off, and no person can type it. */
static bool has_control(struct slice password)
{
	size_t i = 0;
	while (i < password.n && (unsigned char)password.p[i] >= ' ' && password.p[i] != 0x7f)
		i++;
	return i < password.n;
}

bool password_acceptable(struct slice password, struct slice name)
{
	return password.n >= LIMIT_PASSWORD_MIN && password.n <= LIMIT_PASSWORD_MAX && !has_control(password)
		&& slice_trim(password).n > 0 && !slice_is_nocase(password, name) && !is_common(password);
}

/* ---- the stored form --------------------------------------------------- */

struct phc {
	struct password_cost cost;
	int64_t lanes;
	size_t salt_size;
	uint8_t salt[SALT_MAX];
	uint8_t hash[HASH_SIZE];
};

static struct slice phc_write(const struct phc *phc)
{
	struct buf b = { 0 };
	buf_s(&b, "$argon2id$v=19$m=");
	buf_int(&b, phc->cost.kib);
	buf_s(&b, ",t=");
	buf_int(&b, phc->cost.passes);
	buf_s(&b, ",p=1$");
	base64_add(&b, (struct slice){ (const char *)phc->salt, phc->salt_size });
	buf_c(&b, '$');
	base64_add(&b, (struct slice){ (const char *)phc->hash, HASH_SIZE });
	return buf_slice(&b);
}

/* Cuts "NAME=NUMBER," off *rest; the number has one spelling. */
static bool cut_number(struct slice *rest, struct slice name, int64_t min, int64_t max, int64_t *out)
{
	struct slice part = slice_cut(rest, ',');
	struct slice digits = slice_from(part, name.n);
	return slice_starts(part, name) && !slice_starts(digits, S("0")) && parse_number(digits, min, max, out);
}

static bool phc_read(struct slice text, struct phc *out)
{
	struct slice head = S("$argon2id$v=19$");
	struct slice rest = slice_from(text, head.n);
	struct slice cost = slice_cut(&rest, '$');
	struct slice salt = slice_cut(&rest, '$');
	out->salt_size = salt.n * 3 / 4;
	return slice_starts(text, head)
	    && cut_number(&cost, S("m="), KIB_MIN, KIB_MAX, &out->cost.kib)
	    && cut_number(&cost, S("t="), 1, PASSES_MAX, &out->cost.passes)
	    && cut_number(&cost, S("p="), 1, LANES_MAX, &out->lanes)
	    && cost.p == NULL && out->cost.kib >= KIB_MIN * out->lanes
	    && out->salt_size >= SALT_MIN && out->salt_size <= SALT_MAX
	    && base64_read(salt, out->salt, out->salt_size)
	    && base64_read(rest, out->hash, HASH_SIZE);
}

/* How hashes begin, in the order in which they are looked for. */
static const struct { const char *prefix, *kind; } kinds[] = {
	{ "$argon2id$", "Argon2id" }, { "$argon2", "Argon2i or Argon2d" },
	{ "$2a$", "bcrypt" }, { "$2b$", "bcrypt" }, { "$2y$", "bcrypt" }, { "$2x$", "bcrypt with a known fault" },
	{ "$5$", "SHA-256-crypt" }, { "$6$", "SHA-512-crypt" }, { "$y$", "yescrypt" }, { "$gy$", "gost-yescrypt" }, { "$7$", "scrypt" },
	{ "$scrypt$", "scrypt" }, { "$pbkdf2", "PBKDF2" }, { "pbkdf2", "PBKDF2" }, { "$1$", "MD5-crypt" }, { "$apr1$", "Apache's MD5" },
	{ "$md5", "MD5-crypt of Solaris" }, { "$sha1$", "SHA-1-crypt" }, { "$3$", "NT hash" }, { "$P$", "phpass" }, { "$H$", "phpass" },
	{ "{SHA}", "SHA-1" }, { "{SSHA}", "salted SHA-1" }, { "{SHA256}", "SHA-256" }, { "{SSHA256}", "salted SHA-256" },
	{ "{SHA512}", "SHA-512" }, { "{SSHA512}", "salted SHA-512" }, { "{CRYPT}", "crypt(3) as LDAP writes it" },
};

const char *password_kind(struct slice text)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (slice_starts(text, slice_of(kinds[i].prefix)))
			return kinds[i].kind;
	return NULL;
}

/* crypt.c may have been left out. */
static bool is_foreign(struct slice hash)
{
	return crypt_takes && crypt_takes(hash);
}

bool password_storable(struct slice hash)
{
	struct phc phc;
	return is_foreign(hash) || (phc_read(hash, &phc) && phc.cost.kib * phc.cost.passes <= WORK_MAX);
}

/* ---- hashing ----------------------------------------------------------- */

/*
 * The cost is the caller's, or was checked by phc_read(): what fails here is memory. libsodium's public function
 * knows one lane and one size of salt, and brings an encoder of 2 KB along.
 */
static bool try_argon2id(uint8_t out[HASH_SIZE], struct slice password, const struct phc *phc)
{
	argon2_context context = {
		.out = out, .outlen = HASH_SIZE,
		.pwd = (uint8_t *)(uintptr_t)password.p, .pwdlen = (uint32_t)password.n,
		.salt = (uint8_t *)(uintptr_t)phc->salt, .saltlen = (uint32_t)phc->salt_size,
		.t_cost = (uint32_t)phc->cost.passes, .m_cost = (uint32_t)phc->cost.kib,
		.lanes = (uint32_t)phc->lanes, .threads = (uint32_t)phc->lanes,
	};
	return argon2_ctx(&context, Argon2_id) == ARGON2_OK;
}

static void argon2id(uint8_t out[HASH_SIZE], struct slice password, const struct phc *phc)
{
	if (!try_argon2id(out, password, phc))
		fail(ERROR_STORE_UNAVAILABLE, "PW1", "no Argon2id with ", dec(phc->cost.kib), " KiB: ", strerror(errno), NULL);
}

struct slice password_hash_salted(struct slice password, struct password_cost cost, const uint8_t salt[PASSWORD_SALT])
{
	struct phc phc = { .cost = cost, .lanes = 1, .salt_size = PASSWORD_SALT };
	memcpy(phc.salt, salt, PASSWORD_SALT);
	argon2id(phc.hash, password, &phc);
	return phc_write(&phc);
}

struct slice password_hash(struct slice password, struct password_cost cost)
{
	uint8_t salt[PASSWORD_SALT];
	random_bytes(salt, sizeof salt);
	return password_hash_salted(password, cost, salt);
}

struct slice password_none(struct password_cost cost)
{
	struct phc phc = { .cost = cost, .lanes = 1, .salt_size = PASSWORD_SALT };
	random_bytes(phc.salt, PASSWORD_SALT);
	return phc_write(&phc);
}

bool password_is_none(struct slice stored)
{
	static const uint8_t zeros[HASH_SIZE];
	struct phc phc;
	return phc_read(stored, &phc) && memcmp(phc.hash, zeros, HASH_SIZE) == 0;
}

bool password_has_salt(struct slice stored, const uint8_t salt[PASSWORD_SALT])
{
	struct phc phc;
	return phc_read(stored, &phc) && phc.salt_size == PASSWORD_SALT && memcmp(phc.salt, salt, PASSWORD_SALT) == 0;
}

/*
 * For a name that no user has, this hash is read and checked in the same way, and
 * the result is ignored. So the answer takes the same time.
 */
static const char no_users_hash[] =
	"$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/* harden_limits() reckoned with the cost that is configured; this hash was made at a higher one. */
static void allow_memory(int64_t kib)
{
	struct rlimit data = { RLIM_INFINITY, RLIM_INFINITY };
	getrlimit(RLIMIT_DATA, &data);
	if (data.rlim_cur == RLIM_INFINITY)
		return;
	rlim_t more = data.rlim_cur + (rlim_t)kib * 1024;
	data.rlim_cur = more < data.rlim_max ? more : data.rlim_max;
	setrlimit(RLIMIT_DATA, &data);
}

/* False: nobody can sign in with that hash, and the log says why. One that needs no more than is configured isn't the reason. */
static bool hash_as_stored(uint8_t out[HASH_SIZE], struct slice password, const struct phc *phc, struct password_cost cost)
{
	if (phc->cost.kib <= cost.kib) {
		argon2id(out, password, phc);
		return true;
	}
	allow_memory(phc->cost.kib - cost.kib);
	if (try_argon2id(out, password, phc))
		return true;
	log_line("PW4", "a stored password needs ", dec(phc->cost.kib), " KiB of memory: ", strerror(errno),
		"; until there is more give the user another one (latchkey user passwd)", NULL);
	return false;
}

enum password_verdict password_check(struct slice stored, struct slice password, struct password_cost cost)
{
	struct phc phc;
	uint8_t hash[HASH_SIZE];
	if (is_foreign(stored)) {
		if (crypt_check(stored, password))
			return PASSWORD_RIGHT_REHASH;
		stored = SLICE_NONE;   /* SHA-crypt takes a tenth of Argon2id's time: a wrong one takes that, too */
	}
	bool readable = phc_read(stored, &phc);
	if (stored.n && !readable)
		log_line("PW2", "a stored password is not an Argon2id string: nobody can sign in with it", NULL);
	if (!readable || !hash_as_stored(hash, password, &phc, cost)) {
		(void)phc_read(S(no_users_hash), &phc);
		phc.cost = cost;
		argon2id(hash, password, &phc);
		readable = false;
	}
	bool right = readable & same_bytes(hash, phc.hash, HASH_SIZE);
	if (!right)
		return PASSWORD_WRONG;
	bool ours = phc.cost.kib == cost.kib && phc.cost.passes == cost.passes && phc.lanes == 1 && phc.salt_size == PASSWORD_SALT;
	return ours ? PASSWORD_RIGHT : PASSWORD_RIGHT_REHASH;
}

/* ---- cost and host ----------------------------------------------------- */

/* Two rows of OWASP's table, equally strong. The second is for hosts with little memory, such as routers. */
struct password_cost password_cost_for(int64_t ram_bytes)
{
	int64_t small = INT64_C(256) << 20;
	return ram_bytes < small ? (struct password_cost){ 7168, 5 } : (struct password_cost){ 19456, 2 };
}

int64_t password_ram(void)
{
	return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

struct password_cost password_cost_here(int64_t kib, int64_t passes)
{
	struct password_cost cost = password_cost_for(password_ram());
	return (struct password_cost){ kib ? kib : cost.kib, passes ? passes : cost.passes };
}

int64_t password_jobs_for(int64_t ram_bytes, int64_t kib)
{
	return 2 * kib * 1024 > ram_bytes / 4 ? 1 : 2;
}

int64_t password_jobs_here(int64_t jobs, int64_t kib)
{
	return jobs ? jobs : password_jobs_for(password_ram(), password_cost_here(kib, 0).kib);
}

/* ---- slots ------------------------------------------------------------- */

/*
 * A slot is a lock on one byte of a file. The lock belongs to the process, and
 * the kernel releases it however the process ends. With POSIX locks one open file
 * has any number of slots; flock(2) would need a file for each.
 */
static int slots = -1;
static bool slots_held;

static int slots_open(const char *dir)
{
	return open(path_in(dir, "password.lock"), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

void password_hold(const char *dir)
{
	slots = slots_open(dir);
	slots_held = slots >= 0;
}

static bool slot_taken(int64_t jobs)
{
	for (int64_t i = 0; i < jobs; i++) {
		struct flock byte = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)i, .l_len = 1 };
		if (fcntl(slots, F_SETLK, &byte) == 0)
			return true;
	}
	return false;
}

/*
 * Waits by sleeping, since no system call waits until one of several locks is
 * free. The purpose isn't to slow an attacker down (throttle.c does that): other
 * hashes are using the memory and the CPU.
 */
bool password_slot(const char *dir, int64_t jobs, int64_t seconds)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };   /* a third of a hash */
	int64_t until = now_boot() + seconds;
	if (!slots_held)
		slots = slots_open(dir);
	if (slots < 0)
		fail(ERROR_STORE_UNAVAILABLE, "PW3", "password.lock: ", strerror(errno), NULL);
	while (!slot_taken(jobs)) {
		if (now_boot() >= until) {
			password_slot_leave();
			return false;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

void password_slot_leave(void)
{
	if (slots_held) {
		fcntl(slots, F_SETLK, &(struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_SET });
		return;
	}
	if (slots >= 0)
		close(slots);
	slots = -1;
}
