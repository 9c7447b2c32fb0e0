/*
 * embed NAME FILE...: writes the C source of NAME_files[] (www.h) to stdout. The order is that of the
 * arguments, which the Makefile sorts. The etag is 64 bits of FNV-1a, enough to tell versions apart.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *type_of(const char *name)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".mjs", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".ico", "image/x-icon" },
		{ ".json", "application/json" },
		{ ".webmanifest", "application/manifest+json" },
		{ ".txt", "text/plain; charset=utf-8" },
	};
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	fprintf(stderr, "embed: no content type for %s\n", name);
	exit(1);
}

int main(int argc, char **argv)
{
	uint64_t *etags = calloc((size_t)argc, sizeof *etags);
	if (!etags)
		return 1;
	puts("// Written by tools/embed.c.\n#include \"serve/www.h\"");
	for (int i = 2; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		uint64_t hash = 0xcbf29ce484222325;
		size_t n = 0;
		int c;
		if (!f) {
			perror(argv[i]);
			exit(1);
		}
		printf("static const unsigned char file_%d[] = {", i);
		while ((c = getc(f)) != EOF) {
			printf("%s%d,", n++ % 24 ? "" : "\n", c);
			hash = (hash ^ (unsigned)c) * 0x100000001b3;
		}
		puts("\n};");
		if (ferror(f) || n == 0) {
			fprintf(stderr, "embed: %s is empty or unreadable\n", argv[i]);
			exit(1);
		}
		fclose(f);
		etags[i] = hash;
	}
	printf("const struct www_file %s_files[] = {\n", argc > 1 ? argv[1] : "");
	for (int i = 2; i < argc; i++) {
		const char *slash = strrchr(argv[i], '/');
		const char *name = slash ? slash + 1 : argv[i];
		printf("    { \"%s\", \"%s\", \"\\\"%016" PRIx64 "\\\"\", file_%d, sizeof file_%d },\n", name,
			   type_of(name), etags[i], i, i);
	}
	if (argc < 3)
		puts("    { 0, 0, 0, 0, 0 },");
	printf("};\nconst size_t %s_count = %d;\n", argc > 1 ? argv[1] : "", argc - 2);
	free(etags);
	return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
