/*
 * instance: see instance.h.
 *
 * What is asked below the mount is auth's, all else the page's where there is one.
 */
#include "instance.h"

#include "auth.h"
#include "harden.h"
#include "jwt.h"
#include "serve/site.h"

enum {
	PASSWORD_KIB = 19 * 1024,       /* the most that is chosen by itself: password.h */
	WORKER_KIB = 64 * 1024          /* of thousands of connections, half a request each */
};

const char *instance_read(struct instance *i, const char *dir)
{
	const char *wrong = config_read(dir, &i->config);
	if (wrong == NULL)
		wrong = config_override(i->script, &i->config);
	if (wrong == NULL)
		wrong = keyring_read(dir, &i->ring);
	return wrong ? wrong : jwt_keys_wrong(&i->ring);
}

void instance_log(const struct instance *i)
{
	if (i->config.audit == AUDIT_SYSLOG || i->config.audit == AUDIT_BOTH)
		log_to_syslog();
}

void instance_confine(const struct instance *i, int directory, bool stays)
{
	int64_t password = i->config.password.kib ? i->config.password.kib : PASSWORD_KIB;
	harden_limits(stays ? WORKER_KIB : password, stays);
	/* Without Landlock in the kernel the rest still holds; `latchkey check` tells. */
	(void)harden(i->config.dir, directory, config_throttle_dir(&i->config));
}

void instance_answer(const struct instance *i, const struct request *rq, enum error e, struct reply *rp)
{
	if (e != ERROR_NONE)
		reply_error(rp, e, NULL, 0);
	else if (rq->below)
		auth_answer(&i->config, &i->ring, rq, rp);
	else if (i->with_site)
		site_answer(rq, rp);
	else
		reply_error(rp, ERROR_NOT_FOUND, NULL, 0);
	auth_finish(&i->config, rq, rp);
}

struct http_rules instance_rules(const struct instance *i)
{
	return (struct http_rules){ .base_path = i->config.base_path, .trusted_proxies = i->config.trusted_proxies };
}
