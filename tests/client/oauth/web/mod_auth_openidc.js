// Apache with mod_auth_openidc before a folder of programs, by the block of docs/oauth.md: a guarded program says who Apache says that is there.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { id, issuer, origin, port, redirectUri, secret, speak } from '../speak.js';

const dir = process.env.SCRATCH, write = (name, text, mode) => { fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true }); fs.writeFileSync(path.join(dir, name), text, { mode }); };
write('www/inside/me', '#!/bin/sh\nprintf \'Content-Type: application/json\\n\\n{"user":"%s"}\\n\' "$REMOTE_USER"\n', 0o755);
write('www/inside/refresh', `#!/bin/sh\nprintf 'Status: 302\\nLocation: %s\\n\\n' "${redirectUri}?refresh=${encodeURIComponent(origin + '/inside/me')}&access_token=$OIDC_access_token"\n`, 0o755);
write('www/out', 'signed out\n', 0o644);
const block = fs.readFileSync(new URL('mod_auth_openidc.conf', import.meta.url), 'utf8').replace('https://auth.example.com/api/auth', issuer)
  .replace(/(ClientID) intranet/, `$1 ${id}`).replace('SECRET', secret).replace('PASSPHRASE', secret).replace('https://intranet.example.com/cb', redirectUri);
write('httpd.conf', `
ServerRoot ${dir}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${dir}/pid
ErrorLog ${dir}/error.log
User www-data
Group www-data
${['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'auth_openidc', 'alias', 'cgid', 'dir', 'mime'].map(name => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
ScriptSock ${dir}/cgid
TypesConfig /dev/null
DocumentRoot ${dir}/www

${block}
OIDCHTTPTimeoutShort 60
Redirect /login ${origin}/inside/me
Redirect /refresh ${origin}/inside/refresh
Redirect /me ${origin}/inside/me?quiet
Redirect /logout "${redirectUri}?logout=${encodeURIComponent(origin + '/out')}"
OIDCUnAuthAction 401 "%{QUERY_STRING} == 'quiet'"
<Directory ${dir}/www>
    Require all granted
</Directory>
<Location /inside>
    SetHandler cgi-script
    Options +ExecCGI
</Location>
`);
fs.chmodSync(dir, 0o755);
execFileSync('/usr/sbin/apache2', ['-t', '-f', path.join(dir, 'httpd.conf')], { stdio: 'pipe' });
const apache = spawn('/usr/sbin/apache2', ['-DFOREGROUND', '-f', path.join(dir, 'httpd.conf')], { stdio: ['ignore', 'inherit', 'inherit'] });
process.on('exit', () => apache.kill());
process.on('SIGTERM', () => process.exit());
for (let i = 0; i < 200 && !await fetch(origin + '/out').then(r => r.ok, () => false); i++) await new Promise(resolve => { setTimeout(resolve, 50); });
speak({ log: () => fs.readFileSync(path.join(dir, 'error.log'), 'utf8').slice(-3000) });
